import type { WorkerClient } from './worker-client.ts';

/** A worker's server as a whole, however many ranks it has. */
export interface WorkerServer {
  readonly url: string;
  /** Prefix of every request path; usually ''. */
  readonly basePath: string;
  readonly client: WorkerClient;
  /** Replaces the client's `authorization`; undefined where the server has no key. */
  readonly authorization: string | undefined;
}
