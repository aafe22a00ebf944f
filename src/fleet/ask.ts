import { type Answer, get } from '../http/upstream/get.ts';
import type { Server } from '../http/upstream/server.ts';

/** A server that the router asks questions of its own. */
export interface AskedServer extends Server {
  /** Headers of those questions. */
  readonly controlHeaders: Readonly<Record<string, string>>;
}

export interface AskOptions {
  readonly timeoutMs: number;
  /** Bytes that the answer's body may have; 0 where it does not matter, and none of it is kept. */
  readonly maxBytes: number;
}

/** GETs `path` of a server. Rejects, with the reason in a few words, when no whole answer came in time. */
export function ask(server: AskedServer, path: string, options: AskOptions): Promise<Answer> {
  return get(server.client, server.basePath + path, { headers: server.controlHeaders, ...options });
}
