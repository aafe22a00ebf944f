import type { Kept } from '../../http/endpoint.ts';
import { call } from '../../http/upstream/get.ts';
import type { Server } from '../../http/upstream/server.ts';
import { isId, type Keepers, type Reference } from './keepers.ts';

/** Where a server tells whether it keeps something; a session cannot be asked for. */
const ASKED_AT: Readonly<Partial<Record<Kept, string>>> = {
  response: '/v1/responses/',
  conversation: '/v1/conversations/',
};
const TIMEOUT_MS = 5_000;

export interface Search {
  /** The client's key, for servers that have none of their own. */
  readonly authorization: string | undefined;
  /** Aborted when the client leaves, and when the search is over. */
  readonly over: AbortController;
  readonly keepers: Keepers;
}

/**
 * The URL of the server that keeps it, and undefined where none says so: what is not remembered, as after a restart or where another
 * router was asked before, is asked for at all `servers` at once. Never rejects.
 */
export async function findKeeper(
  reference: Reference,
  servers: readonly Server[],
  { authorization, over, keepers }: Search,
): Promise<string | undefined> {
  const folder = ASKED_AT[reference.kind];
  if (folder === undefined || servers.length < 2 || !isId(reference.id)) return undefined;
  const asked = servers.map((server) => keeps(server, folder + reference.id, authorization, over.signal));
  const keeper = await Promise.any(asked).catch(() => undefined);
  over.abort();
  if (keeper !== undefined) keepers.learn(reference, keeper);
  return keeper;
}

/** Resolves with the server's URL where it has it, else rejects. */
async function keeps(server: Server, path: string, own: string | undefined, signal: AbortSignal): Promise<string> {
  const { url, client, basePath, authorization = own } = server;
  const headers: Record<string, string> = authorization === undefined ? {} : { authorization };
  const { status } = await call(client, basePath + path, { headers, timeoutMs: TIMEOUT_MS, maxBytes: 0, signal });
  if (status !== 200) throw new Error(`it answered ${status}`);
  return url;
}
