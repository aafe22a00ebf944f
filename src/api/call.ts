import type { IncomingRequest } from '../http/edge/incoming-request.ts';
import type { Reply } from '../http/edge/reply.ts';
import type { ApiContext } from './context.ts';

/** One request for an endpoint of the router's own. */
export interface Call {
  readonly request: IncomingRequest;
  readonly response: Reply;
  readonly query: URLSearchParams;
  /** The decoded parts of the path that its names stand for. */
  readonly params: Readonly<Record<string, string>>;
}

/** Answers a call; what it throws is answered by the dispatcher. */
export type ApiHandler = (call: Call, context: ApiContext) => void | Promise<void>;

export type Method = 'GET' | 'POST' | 'PUT' | 'DELETE';

/** How one path is answered, by method. */
export type Handlers = Readonly<Partial<Record<Method, ApiHandler>>>;
