import { ExitError } from '../../errors/errors.ts';
import { readFeed } from '../read-feed.ts';
import type { Snapshot } from '../snapshot.ts';

/** A running router, as somebody who looks at it names it. */
export interface RouterAddress {
  /** Without a slash at its end. */
  readonly url: string;
  readonly apiKey: string | undefined;
}

/** Once, for `ps`: the router asks its workers for their loads first. */
const ONCE_TIMEOUT_MS = 10_000;

/** One snapshot. Throws an ExitError that says why there is none. */
export async function askSnapshot(router: RouterAddress): Promise<Snapshot> {
  const response = await ask(router, '/dashboard/snapshot', AbortSignal.timeout(ONCE_TIMEOUT_MS));
  try {
    return (await response.json()) as Snapshot;
  } catch (error) {
    throw unreachable(router, (error as Error).message);
  }
}

/** Snapshots, one a second, until the connection ends. Throws an ExitError that says why there is none. */
export async function* followSnapshots(router: RouterAddress, signal: AbortSignal): AsyncGenerator<Snapshot> {
  const { body } = await ask(router, '/dashboard/feed', signal);
  if (!body) throw unreachable(router, 'it answered nothing');
  yield* readFeed(body);
}

async function ask(router: RouterAddress, path: string, signal: AbortSignal): Promise<Response> {
  const headers: Record<string, string> =
    router.apiKey === undefined ? {} : { authorization: `Bearer ${router.apiKey}` };
  let response: Response;
  try {
    response = await fetch(router.url + path, { headers, signal, redirect: 'error' });
  } catch (error) {
    const { message, cause } = error as Error;
    throw unreachable(
      router,
      cause instanceof Error ? cause.message || String((cause as NodeJS.ErrnoException).code) : message,
    );
  }
  if (response.ok) return response;
  await response.body?.cancel();
  if (response.status === 401 || response.status === 403) {
    throw new ExitError('router_unreachable', `the router at ${router.url} wants a key of its admin routes`, {
      hint: 'give it with --api-key, or in SGLANG_ROUTER_API_KEY, where other users of this machine do not see it',
    });
  }
  throw unreachable(router, `${path} answered ${response.status}`);
}

function unreachable({ url }: RouterAddress, reason: string): ExitError {
  return new ExitError('router_unreachable', `no router answers at ${url}: ${reason}`, {
    hint: 'name the address that it says at start with --url',
  });
}
