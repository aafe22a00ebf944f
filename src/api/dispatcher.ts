import type { IncomingMessage, ServerResponse } from 'node:http';
import { type HttpErrorCode, RouterError } from '../errors.ts';
import { ClientGoneError } from '../http/body.ts';
import { sendError, sendJson } from '../http/respond.ts';
import type { ApiContext } from './context.ts';
import type { Endpoint } from './endpoint.ts';

/** The endpoints of one path, by method. */
interface Route {
  readonly pattern: RegExp;
  /** What a path must begin with to be matched at all. */
  readonly prefix: string;
  readonly endpoints: Map<string, Endpoint>;
}

/** One of the router's own paths. */
export interface Found {
  readonly route: Route;
  readonly match: RegExpExecArray;
}

/** Finds the endpoint for a request by path and method, checks the key, and answers whatever goes wrong. */
export class Dispatcher {
  readonly #context: ApiContext;
  readonly #plain = new Map<string, Route>();
  readonly #patterns: Route[] = [];

  constructor(endpoints: readonly Endpoint[], context: ApiContext) {
    this.#context = context;
    for (const [path, rows] of Map.groupBy(endpoints, ({ path }) => path)) {
      const route = { ...compile(path), endpoints: new Map(rows.map((row) => [row.method, row])) };
      if (path.includes('{')) this.#patterns.push(route);
      else this.#plain.set(path, route);
    }
  }

  /** Which of the router's own paths it is, without its query; undefined when it is none of them. */
  find(path: string): Found | undefined {
    const route = this.#plain.get(path) ?? this.#patterns.find(({ prefix }) => path.startsWith(prefix));
    const match = route?.pattern.exec(path);
    return route && match ? { route, match } : undefined;
  }

  /** Answers a request for what was found; never rejects. Resolves with the code of the error that it answered. */
  async serve(
    { route, match }: Found,
    request: IncomingMessage,
    response: ServerResponse,
  ): Promise<HttpErrorCode | undefined> {
    const endpoint = route.endpoints.get(request.method === 'HEAD' ? 'GET' : (request.method ?? ''));
    try {
      if (!endpoint) throw notAllowed(route, request, response);
      if (endpoint.access === 'admin') this.#context.authorize(request);
      const query = new URL(request.url ?? '/', 'http://router').searchParams;
      await endpoint.handle({ request, response, query, params: decode(match.groups ?? {}) }, this.#context);
      return undefined;
    } catch (error) {
      return this.#fail(error, endpoint, response);
    }
  }

  #fail(error: unknown, endpoint: Endpoint | undefined, response: ServerResponse): HttpErrorCode | undefined {
    if (error instanceof ClientGoneError) return undefined;
    const known = error instanceof RouterError;
    if (!known) this.#context.log.error('request failed', { reason: (error as Error).stack });
    if (response.headersSent) {
      response.destroy();
      return 'internal_error';
    }
    const flat = known && endpoint?.errors === 'flat' && error.code !== 'unauthorized';
    return flat ? sendFlat(response, error) : sendError(response, error);
  }
}

/** The error object of sglang-router 0.3.2's workers API. */
function sendFlat(response: ServerResponse, { status, code, message }: RouterError): HttpErrorCode {
  response.setHeader('x-smg-error-code', code);
  if (!response.req.complete) response.setHeader('connection', 'close');
  sendJson(response, status, { error: message, code: code.toUpperCase() });
  return code;
}

function notAllowed({ endpoints }: Route, request: IncomingMessage, response: ServerResponse): RouterError {
  const methods = [...endpoints.keys()].flatMap((method) => (method === 'GET' ? ['GET', 'HEAD'] : method));
  response.setHeader('allow', methods.join(', '));
  const path = request.url?.split('?')[0];
  return new RouterError('method_not_allowed', `${path} takes ${methods.join(', ')}, got ${request.method}`);
}

function compile(path: string): Pick<Route, 'pattern' | 'prefix'> {
  const source = RegExp.escape(path).replace(/\\\{(\w+)(\\\*)?\\\}/g, (_, name, rest) =>
    rest ? `(?<${name}>.+)` : `(?<${name}>[^/]+)`,
  );
  return { pattern: new RegExp(`^${source}$`), prefix: path.split('{', 1)[0] as string };
}

function decode(groups: Readonly<Record<string, string>>): Record<string, string> {
  try {
    return Object.fromEntries(Object.entries(groups).map(([name, part]) => [name, decodeURIComponent(part)]));
  } catch {
    throw new RouterError('bad_request', `expected a URL-encoded path, got ${Object.values(groups).join('/')}`);
  }
}
