import type { IncomingMessage, ServerResponse } from 'node:http';
import type { ApiContext } from './context.ts';

/** Who may call: everyone, or who has the key of `--api-key`. */
export type Access = 'public' | 'admin';

/** One request for an endpoint of the router's own. */
export interface Call {
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
  readonly query: URLSearchParams;
  /** The decoded parts of the path that stand for the names in `Endpoint.path`. */
  readonly params: Readonly<Record<string, string>>;
}

/** Answers a call; what it throws is answered by the dispatcher. */
export type Handler = (call: Call, context: ApiContext) => void | Promise<void>;

/** One row of the table of endpoints. */
export interface Endpoint {
  /** HEAD is served where GET is. */
  readonly method: 'GET' | 'POST' | 'PUT' | 'DELETE';
  /** `{name}` stands for one segment of the path, `{name*}` for all that is left of it. */
  readonly path: string;
  readonly access: Access;
  readonly handle: Handler;
  /** `flat` where clients read `{"error": message, "code"}`; the router's usual error object unless given. */
  readonly errors?: 'flat';
}
