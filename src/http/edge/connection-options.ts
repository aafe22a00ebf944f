import type { Socket } from 'node:net';
import type { RouterError } from '../../errors/errors.ts';
import type { BodyBudget } from './body-budget.ts';
import type { ClientRequest } from './client-request.ts';
import type { OpenConnection } from './open-connection.ts';
import type { Reply } from './reply.ts';

/** Times and sizes that a client has to keep to. */
export interface ConnectionLimits {
  /** Limit for a request's headers, from its first byte on, or from the connection on for the first request. */
  readonly headersTimeoutMs: number;
  /** Limit for a whole request, body included. */
  readonly uploadTimeoutMs: number;
  /** Limit for request line and headers together. */
  readonly maxHeaderBytes: number;
}

/** Serves one request; never throws or rejects. */
type Serve = (request: ClientRequest, reply: Reply) => void;

export interface ConnectionOptions {
  readonly limits: ConnectionLimits;
  readonly serve: Serve;
  /** Shared by the bodies of all connections. */
  readonly bodyBudget: BodyBudget;
  /** Why no request is served on the connection; usually undefined. */
  readonly refusal: () => RouterError | undefined;
  readonly closed: (connection: OpenConnection) => void;
  /** Hands over a connection whose client speaks HTTP/2; what it has sent can be read again. */
  readonly http2: (socket: Socket, options: ConnectionOptions) => void;
}
