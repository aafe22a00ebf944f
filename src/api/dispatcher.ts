import type { IncomingMessage, ServerResponse } from 'node:http';
import { RouterError } from '../errors.ts';
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

  /** Answers a request for one of the router's own paths; undefined when `path`, without its query, is none of them. */
  answer(path: string, request: IncomingMessage, response: ServerResponse): Promise<void> | undefined {
    const route = this.#plain.get(path) ?? this.#patterns.find(({ prefix }) => path.startsWith(prefix));
    const match = route?.pattern.exec(path);
    return route && match ? this.#serve(route, match, request, response) : undefined;
  }

  async #serve(route: Route, match: RegExpExecArray, request: IncomingMessage, response: ServerResponse) {
    const endpoint = route.endpoints.get(request.method === 'HEAD' ? 'GET' : (request.method ?? ''));
    try {
      if (!endpoint) throw notAllowed(route, request, response);
      if (endpoint.access === 'admin') this.#context.authorize(request);
      const query = new URL(request.url ?? '/', 'http://router').searchParams;
      await endpoint.handle({ request, response, query, params: decode(match.groups ?? {}) }, this.#context);
    } catch (error) {
      this.#fail(error, endpoint, response);
    }
  }

  #fail(error: unknown, endpoint: Endpoint | undefined, response: ServerResponse): void {
    if (error instanceof ClientGoneError) return;
    const known = error instanceof RouterError;
    if (!known) this.#context.log.error('request failed', { reason: (error as Error).stack });
    if (response.headersSent) response.destroy();
    else if (known && endpoint?.errors === 'flat' && error.code !== 'unauthorized') sendFlat(response, error);
    else sendError(response, error);
  }
}

/** The error object of sglang-router 0.3.2's workers API. */
function sendFlat(response: ServerResponse, { status, code, message }: RouterError): void {
  response.setHeader('x-smg-error-code', code);
  if (!response.req.complete) response.setHeader('connection', 'close');
  sendJson(response, status, { error: message, code: code.toUpperCase() });
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
