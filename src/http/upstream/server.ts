import type { WorkerClient } from './worker-client.ts';

/** A server as a whole, however many ranks it has. */
export interface Server {
  readonly url: string;
  /** Put before every request path; '' as a rule. */
  readonly basePath: string;
  readonly client: WorkerClient;
  /** Sent in place of the client's own `authorization`; undefined where the server has no key. */
  readonly authorization: string | undefined;
}
