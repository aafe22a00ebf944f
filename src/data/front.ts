import { RouterError } from '../errors/errors.ts';
import type { Authorize } from '../http/auth.ts';
import type { Cors } from '../http/cors.ts';
import type { ClientRequest } from '../http/edge/client-request.ts';
import type { IncomingRequest } from '../http/edge/incoming-request.ts';
import type { Reply } from '../http/edge/reply.ts';
import { findEndpoint } from '../http/endpoints.ts';
import { loopIn } from '../http/instance.ts';
import { pathOf } from '../http/path.ts';
import { REQUEST_ID } from '../http/request-id.ts';
import { sendError, setHeaders } from '../http/respond.ts';
import type { BegunRequest, Scheduling } from '../link/scheduling.ts';
import { type DataPath, isReading } from './data-path.ts';

/** Answers requests that the router answers itself or with all workers; never rejects. Resolves with the code of an error that it sent. */
export type OwnAnswers = (request: IncomingRequest, reply: Reply, begun: BegunRequest) => Promise<string | undefined>;

interface FrontParts {
  readonly cors: Cors;
  readonly authorize: Authorize;
  readonly scheduling: Scheduling;
  readonly dataPath: DataPath;
  readonly ownAnswers: OwnAnswers;
}

/** Takes every request: decides by its head who answers, and refuses what is not allowed. */
export class Front {
  readonly #parts: FrontParts;

  constructor(parts: FrontParts) {
    this.#parts = parts;
  }

  /** Serves one request whole; never rejects. */
  async serve(request: ClientRequest, reply: Reply): Promise<void> {
    const { cors, authorize, scheduling, dataPath } = this.#parts;
    const preflight = cors.preflight(request.method, request.headers);
    if (preflight) {
      reply.head(204, undefined, preflight);
      reply.end();
      return;
    }
    const found = findEndpoint(pathOf(request.url));
    const { to, access } = found.endpoint;
    const scheduled = scheduling.begin(request, to !== 'router');
    const headers = [REQUEST_ID, scheduled.id, ...cors.headers(request.headers.origin)];
    const begun = { found, scheduled, headers };
    const loop = loopIn(request.headers);
    if (loop !== undefined) return refuse(new RouterError('loop_detected', loop), request, reply, begun);
    // The router's own endpoints check the key themselves, after the method.
    if (to === 'router') return this.#answer(request, reply, begun);
    try {
      authorize(request, access);
    } catch (error) {
      return refuse(error, request, reply, begun);
    }
    if (to === 'all') return this.#answer(request, reply, begun);
    return dataPath.serve(request, reply, begun);
  }

  async #answer(request: ClientRequest, reply: Reply, begun: BegunRequest): Promise<void> {
    const { found, scheduled, headers } = begun;
    setHeaders(reply, headers);
    const errorCode = await this.#parts.ownAnswers(request, reply, begun);
    await reply.flushed();
    scheduled.end({
      status: reply.status,
      clientLeft: reply.gone,
      requestBytes: 0,
      errorCode,
      isRoutine: found.endpoint.to === 'router' && isReading(request),
    });
  }
}

/** Refuses a request before anything else looks at it. */
function refuse(
  error: unknown,
  request: ClientRequest,
  reply: Reply,
  { found, scheduled, headers }: BegunRequest,
): void {
  setHeaders(reply, headers);
  const errorCode = sendError(reply, error, found.endpoint.errors);
  const isRoutine = error instanceof RouterError && error.code === 'loop_detected' && isReading(request);
  scheduled.end({ status: reply.status, clientLeft: false, requestBytes: 0, errorCode, isRoutine });
}
