import { RouterError } from '../errors/errors.ts';
import { ClientGoneError } from '../http/client-gone.ts';
import type { ClientRequest } from '../http/edge/client-request.ts';
import { readBody } from '../http/edge/read-body.ts';
import type { Reply } from '../http/edge/reply.ts';
import type { Found } from '../http/endpoints.ts';
import { sendError, setHeaders } from '../http/respond.ts';
import type { BegunRequest, RequestFacts, Scheduling } from '../link/scheduling.ts';
import type { Log } from '../observe/log/log.ts';
import type { Timeouts } from './deadlines.ts';
import { Exchange } from './exchange.ts';
import type { Planner } from './plans/plan.ts';
import { RequestHints } from './prompt/hints.ts';

/** A client sends this header with `1` to get the scores of all candidates in a header of the answer. */
const EXPLAIN = 'x-sglang-router-explain';
/** Methods that may be repeated without asking the client (RFC 9110 §9.2.2). */
const IDEMPOTENT: ReadonlySet<string> = new Set(['GET', 'HEAD', 'OPTIONS', 'TRACE', 'PUT', 'DELETE']);

interface DataPathOptions extends Timeouts {
  readonly maxPayloadBytes: number;
}

/** Moves a request's bytes: receive → ask the scheduler → send → relay → report. */
export class DataPath {
  readonly #options: DataPathOptions;
  readonly #scheduling: Scheduling;
  readonly #plan: Planner;
  readonly #log: Log;

  constructor(options: DataPathOptions, scheduling: Scheduling, plan: Planner, log: Log) {
    this.#options = options;
    this.#scheduling = scheduling;
    this.#plan = plan;
    this.#log = log;
  }

  /** Serves one request whole; never rejects. */
  async serve(request: ClientRequest, reply: Reply, begun: BegunRequest): Promise<void> {
    const { found, scheduled, headers } = begun;
    const repeatable = found.endpoint.repeatable || isReading(request);
    const isResendable = repeatable || IDEMPOTENT.has(request.method);
    const { endpoint } = found;
    const exchange = new Exchange(request, reply, {
      ...{ endpoint, scheduled, headers, isResendable, timeouts: this.#options },
    });
    let errorCode: string | undefined;
    try {
      await this.#answer(exchange, found, repeatable);
    } catch (error) {
      errorCode = this.#fail(exchange, error as Error);
    }
    scheduled.leave();
    exchange.letBodyGo();
    await reply.flushed();
    const { requestBytes } = exchange;
    scheduled.end({ status: reply.status, clientLeft: reply.gone, requestBytes, errorCode, isRoutine: false });
  }

  /** Makes attempts until one is answered or no other may follow. */
  async #answer(exchange: Exchange, found: Found, repeatable: boolean): Promise<void> {
    const { request, scheduled } = exchange;
    const { closed, severalModels } = this.#scheduling;
    if (closed && !request.last) throw closed;
    if (request.comesLater && isAdmitted(found, request)) await scheduled.checkRoom(request.last);
    exchange.body = await readBody(request, exchange.endpoint, this.#options.maxPayloadBytes);
    exchange.requestBytes = exchange.body.length;
    exchange.hints = new RequestHints(request, exchange, severalModels);
    const plan = this.#plan(exchange);
    const facts = { ...factsOf(exchange, found), shape: plan.shape, repeatable };
    let assignment = await scheduled.assign(facts);
    while (assignment) assignment = await scheduled.again(await plan.attempt(assignment));
  }

  /** Sends the error if no answer has begun, and returns its code then. */
  #fail(exchange: Exchange, error: Error): string | undefined {
    const { reply, headers, endpoint, id, request } = exchange;
    exchange.ongoing = undefined;
    if (exchange.gone || error instanceof ClientGoneError) return undefined;
    if (!(error instanceof RouterError)) {
      const reason = error.stack ?? error.message;
      this.#log.error('request failed in the router', { id, path: request.url.split('?', 1)[0], reason });
    }
    if (reply.ended) return undefined;
    if (reply.started) {
      reply.cut();
      return undefined;
    }
    setHeaders(reply, headers);
    return sendError(reply, error, endpoint.errors);
  }
}

function factsOf({ request, hints, body }: Exchange, found: Found): Omit<RequestFacts, 'shape' | 'repeatable'> {
  const { ofModel } = found.endpoint;
  const reads = isReading(request);
  return {
    found,
    hints,
    admitted: isAdmitted(found, request),
    ofModel: ofModel && !reads,
    last: request.last,
    explains: request.headers[EXPLAIN] === '1',
    authorization: request.headers.authorization,
    bodyBytes: body.length,
  };
}

/** Whether the request is one that the limits on requests in flight are for. */
function isAdmitted({ endpoint }: Found, request: ClientRequest): boolean {
  const tunnels = request.upgrade !== undefined && endpoint.to === 'one';
  return tunnels || (endpoint.inference && !isReading(request));
}

/** Whether the request only reads. */
export function isReading({ method }: Pick<ClientRequest, 'method'>): boolean {
  return method === 'GET' || method === 'HEAD';
}
