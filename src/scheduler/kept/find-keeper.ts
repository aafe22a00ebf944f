import type { Exchange } from '../../data/exchange.ts';
import type { Server } from '../../data/fleet.ts';
import type { Kept } from '../../http/endpoint.ts';
import { call } from '../../http/upstream/get.ts';
import { isId, type Keepers, type Reference } from './keepers.ts';

/** Where a server tells whether it keeps something; a session cannot be asked for. */
const ASKED_AT: Readonly<Partial<Record<Kept, string>>> = {
  response: '/v1/responses/',
  conversation: '/v1/conversations/',
};
const TIMEOUT_MS = 5_000;

/**
 * The URL of the server that keeps it, and undefined where none says so: what is not remembered, as after a restart or where another
 * router was asked before, is asked for at all `servers` at once. Never rejects.
 */
export async function findKeeper(
  reference: Reference,
  servers: readonly Server[],
  exchange: Exchange,
  keepers: Keepers,
): Promise<string | undefined> {
  const folder = ASKED_AT[reference.kind];
  if (folder === undefined || servers.length < 2 || !isId(reference.id)) return undefined;
  const over = new AbortController();
  exchange.ongoing = { cancel: () => over.abort() };
  const asked = servers.map((server) => keeps(server, folder + reference.id, exchange, over.signal));
  const keeper = await Promise.any(asked).catch(() => undefined);
  over.abort();
  exchange.ongoing = undefined;
  if (keeper !== undefined) keepers.learn(reference, keeper);
  return keeper;
}

/** Resolves with the server's URL where it has it, else rejects. */
async function keeps(server: Server, path: string, { request }: Exchange, signal: AbortSignal): Promise<string> {
  const { url, client, basePath } = server;
  const { authorization = request.headers.authorization } = server;
  const headers: Record<string, string> = authorization === undefined ? {} : { authorization };
  const { status } = await call(client, basePath + path, { headers, timeoutMs: TIMEOUT_MS, maxBytes: 0, signal });
  if (status !== 200) throw new Error(`it answered ${status}`);
  return url;
}
