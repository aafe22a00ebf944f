import { readFeed } from '../read-feed.ts';
import type { Snapshot } from '../snapshot.ts';

/** What the page asks the router. Its addresses are beside the page's own, wherever that is mounted. */

/** The router wants a key. */
export class SignInNeeded extends Error {}

/** Snapshots, until the connection ends. Throws SignInNeeded where there is no session. */
export async function* follow(signal: AbortSignal): AsyncGenerator<Snapshot> {
  const response = await fetch('dashboard/feed', { signal });
  if (response.status === 401) throw new SignInNeeded();
  if (!response.ok || !response.body) throw new Error(await problemOf(response));
  yield* readFeed(response.body);
}

/** Posts fields as JSON; resolves with what the router says. Rejects with what is wrong. */
export async function post(path: 'sign-in' | 'sign-out' | 'actions', fields: object): Promise<string> {
  const response = await fetch(`dashboard/${path}`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(fields),
  });
  if (!response.ok) throw new Error(await problemOf(response));
  return (await response.json()).message;
}

async function problemOf(response: Response): Promise<string> {
  try {
    const { error } = await response.json();
    return String(error.message);
  } catch {
    return `the router answered ${response.status}`;
  }
}
