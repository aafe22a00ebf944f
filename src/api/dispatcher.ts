import { type HttpErrorCode, RouterError } from '../errors/errors.ts';
import { ClientGoneError } from '../http/client-gone.ts';
import type { IncomingRequest } from '../http/edge/incoming-request.ts';
import type { Reply } from '../http/edge/reply.ts';
import type { Endpoint } from '../http/endpoint.ts';
import type { Found } from '../http/endpoints.ts';
import { searchOf } from '../http/path.ts';
import { sendError, sendJson } from '../http/respond.ts';
import type { Handlers, Method } from './call.ts';
import type { ApiContext } from './context.ts';

/** Not errors of the workers API, but of who may call it, and how. */
const NEVER_FLAT: ReadonlySet<string> = new Set(['unauthorized', 'forbidden', 'method_not_allowed']);

/** Finds the handler for a request by path and method, checks the key, and answers whatever goes wrong. */
export class Dispatcher {
  readonly #context: ApiContext;
  readonly #handlers: Readonly<Record<string, Handlers>>;

  /** `handlers`: path as the table of endpoints has it → its handlers. */
  constructor(handlers: Readonly<Record<string, Handlers>>, context: ApiContext) {
    this.#handlers = handlers;
    this.#context = context;
  }

  /** Answers a request for one of the router's own paths; never rejects. Resolves with the code of the error that it answered. */
  async serve(
    { endpoint, params }: Found,
    request: IncomingRequest,
    response: Reply,
  ): Promise<HttpErrorCode | undefined> {
    const handlers = this.#handlers[endpoint.path] ?? {};
    try {
      const handle = handlers[(request.method === 'HEAD' ? 'GET' : request.method) as Method];
      if (!handle) throw notAllowed(handlers, request, response);
      if (endpoint.access === 'session') this.#context.dashboard.admit(request);
      else this.#context.authorize(request, endpoint.access);
      const query = new URLSearchParams(searchOf(request.url));
      await handle({ request, response, query, params: decode(params) }, this.#context);
      return undefined;
    } catch (error) {
      return this.#fail(error, endpoint, response);
    }
  }

  #fail(error: unknown, { errors }: Endpoint, response: Reply): HttpErrorCode | undefined {
    if (error instanceof ClientGoneError) return undefined;
    const known = error instanceof RouterError;
    if (!known) this.#context.log.error('request failed', { reason: (error as Error).stack });
    if (response.started) {
      response.cut();
      return 'internal_error';
    }
    const flat = known && errors === 'flat' && !NEVER_FLAT.has(error.code);
    return flat ? sendFlat(response, error) : sendError(response, error);
  }
}

/** The error object of sglang-router 0.3.2's workers API. */
function sendFlat(response: Reply, { status, code, message }: RouterError): HttpErrorCode {
  response.setHeader('x-smg-error-code', code);
  sendJson(response, status, { error: message, code: code.toUpperCase() });
  return code;
}

function notAllowed(handlers: Handlers, request: IncomingRequest, response: Reply): RouterError {
  const methods = Object.keys(handlers).flatMap((method) => (method === 'GET' ? ['GET', 'HEAD'] : method));
  response.setHeader('allow', methods.join(', '));
  const path = request.url.split('?')[0];
  return new RouterError('method_not_allowed', `${path} takes ${methods.join(', ')}, got ${request.method}`);
}

function decode(params: Readonly<Record<string, string>>): Record<string, string> {
  try {
    return Object.fromEntries(Object.entries(params).map(([name, part]) => [name, decodeURIComponent(part)]));
  } catch {
    throw new RouterError('bad_request', `expected a URL-encoded path, got ${Object.values(params).join('/')}`);
  }
}
