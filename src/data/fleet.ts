import type { Endpoint } from '../http/endpoint.ts';
import type { WorkerClient } from '../http/upstream/worker-client.ts';

/** A server as a whole, however many ranks it has. */
export interface Server {
  readonly url: string;
  /** Put before every request path; '' as a rule. */
  readonly basePath: string;
  readonly client: WorkerClient;
  /** Sent in place of the client's own `authorization`; undefined where the server has no key. */
  readonly authorization: string | undefined;
}

/** All servers that answer. */
export interface Fleet {
  /** Those that are up, ready or not. */
  up(): readonly Server[];
  /** Whom a request for the endpoint concerns: those with the model, where one is named. Throws a RouterError where there is nobody. */
  concerned(endpoint: Endpoint, model: string | undefined): readonly Server[];
  /** It has emptied its cache. */
  emptied(server: Server): void;
}
