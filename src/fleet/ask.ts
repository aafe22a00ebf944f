import { type Answer, get } from '../http/upstream/get.ts';
import type { WorkerServer } from '../http/upstream/worker-server.ts';

/** A server to which the router sends its own questions. */
export interface AskedServer extends WorkerServer {
  /** Headers of the router's own questions. */
  readonly controlHeaders: Readonly<Record<string, string>>;
}

export interface AskOptions {
  readonly timeoutMs: number;
  /** Most bytes of the answer's body; 0 if it does not matter and is not kept. */
  readonly maxBytes: number;
}

/** GETs `path` of a server. Rejects, with a short reason, when no whole answer came in time. */
export function ask(server: AskedServer, path: string, options: AskOptions): Promise<Answer> {
  return get(server.client, server.basePath + path, { headers: server.controlHeaders, ...options });
}
