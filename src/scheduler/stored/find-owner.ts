import type { StoredKind } from '../../http/endpoint.ts';
import { call } from '../../http/upstream/get.ts';
import type { WorkerServer } from '../../http/upstream/worker-server.ts';
import { isId, type Owners, type Reference } from './owners.ts';
import type { SearchLine } from './search-line.ts';

/** Paths at which a server tells whether it stores an object; there is none for sessions. */
const ASKED_AT: Readonly<Partial<Record<StoredKind, string>>> = {
  response: '/v1/responses/',
  conversation: '/v1/conversations/',
};
const TIMEOUT_MS = 5_000;

interface Search {
  /** The client's key, for servers that have none of their own. */
  readonly authorization: string | undefined;
  /** Aborts when the client leaves or the search is over. */
  readonly over: AbortController;
  readonly owners: Owners;
  readonly line: SearchLine;
}

/** Asks all `servers` at once, in its turn, which of them stores an object that this router does not know. Undefined if none does; never rejects. */
export async function findOwner(
  reference: Reference,
  servers: readonly WorkerServer[],
  { authorization, over, owners, line }: Search,
): Promise<string | undefined> {
  const folder = ASKED_AT[reference.kind];
  if (folder === undefined || servers.length < 2 || !isId(reference.id)) return undefined;
  return line.run(over.signal, async () => {
    const known = owners.find(reference);
    if (known !== undefined) return known;
    const asked = servers.map((server) => stores(server, folder + reference.id, authorization, over.signal));
    const owner = await Promise.any(asked).catch(() => undefined);
    over.abort();
    if (owner !== undefined) owners.learn(reference, owner);
    return owner;
  });
}

/** Resolves with the server's URL if it has the object, and rejects otherwise. */
async function stores(
  server: WorkerServer,
  path: string,
  own: string | undefined,
  signal: AbortSignal,
): Promise<string> {
  const { url, client, basePath, authorization = own } = server;
  const headers: Record<string, string> = authorization === undefined ? {} : { authorization };
  const { status } = await call(client, basePath + path, { headers, timeoutMs: TIMEOUT_MS, maxBytes: 0, signal });
  if (status !== 200) throw new Error(`it answered ${status}`);
  return url;
}
