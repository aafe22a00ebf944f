import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { ClientGoneError } from '../http/client-gone.ts';
import { type ApiCall, sendJson, sendText } from './api/api-call.ts';
import type { SimContext } from './api/context.ts';
import { BadRequestError, errorBody, type Family, InvalidBodyError, SchedulerCrash } from './api/errors.ts';
import { type Route, routeOf } from './api/routes.ts';
import type { Faults } from './faults.ts';
import { readBody } from './read-body.ts';

/** As uvicorn has it: a client must not keep an idle connection as long. */
const KEEP_ALIVE_MS = 5000;

interface SimServerDeps {
  readonly context: SimContext;
  readonly faults: Faults;
  readonly say: (line: string) => void;
  /** Ends the process as a crash would. */
  readonly die: () => void;
}

/** The HTTP server of one engine, not yet listening. */
export function createSimServer(deps: SimServerDeps): Server {
  const server = createServer({ keepAliveTimeout: KEEP_ALIVE_MS, requestTimeout: 0 }, (request, response) => {
    handle(deps, request, response).catch((error) => fail(deps, response, error));
  });
  // Node grants idle connections a second more than it is told.
  server.keepAliveTimeoutBuffer = 0;
  return server;
}

async function handle(deps: SimServerDeps, request: IncomingMessage, response: ServerResponse): Promise<void> {
  // uvicorn writes no keep-alive headers; with them a client would know when not to reuse a connection.
  response.removeHeader('connection');
  response.setHeader('server', 'sglang-sim');
  const [path = '', search = ''] = (request.url ?? '/').split('?', 2);
  const method = request.method ?? 'GET';
  deps.context.counts.track(path, method, response);
  if (!authorized(deps.context, request, path)) {
    sendJson(response, 401, { error: 'Unauthorized' });
    return;
  }
  response.setHeader('vary', 'Origin');
  const route = routeOf(path, deps.context.options);
  if (!route?.methods.includes(method)) {
    refusePath(response, route);
    return;
  }
  const body = await readBody(request, Number.POSITIVE_INFINITY);
  const { family } = route;
  const call: ApiCall = { request, response, path, family, query: new URLSearchParams(search), body };
  if (!spared(deps, route, call)) return;
  try {
    await route.handler(deps.context, call);
  } catch (error) {
    if (!(error instanceof InvalidBodyError || error instanceof BadRequestError)) throw error;
    sendJson(response, 400, errorBody(family, error));
  }
}

function refusePath(response: ServerResponse, route: Route | undefined): void {
  if (route) response.setHeader('allow', route.methods.join(', '));
  sendJson(response, route ? 405 : 404, { detail: route ? 'Method Not Allowed' : 'Not Found' });
}

/** Everything but health and metrics needs the key. */
function authorized({ options }: SimContext, request: IncomingMessage, path: string): boolean {
  if (options.apiKey === undefined || /^\/(health|ready|metrics)/.test(path) || request.method === 'OPTIONS')
    return true;
  return request.headers.authorization === `Bearer ${options.apiKey}`;
}

/** False where a fault has taken the request over. */
function spared({ context, faults, die }: SimServerDeps, route: Route, call: ApiCall): boolean {
  if (route.kind === 'health') return !faults.healthHangs;
  if (route.kind !== 'inference') return true;
  const fate = faults.next(call.body);
  if (fate === 'die') die();
  if (fate === 'fail') refuse(context, route.family, call.response);
  return fate === 'serve';
}

function refuse({ options }: SimContext, family: Family, response: ServerResponse): void {
  const message = 'simulated failure (--sim-fail-first)';
  const error = { message, type: 'InternalServerError', param: null, code: options.failStatus };
  sendJson(
    response,
    options.failStatus,
    family === 'generate' ? { error: { message } } : { object: 'error', ...error },
  );
}

function fail({ say, die }: SimServerDeps, response: ServerResponse, error: unknown): void {
  if (error instanceof ClientGoneError) return;
  if (error instanceof SchedulerCrash) {
    say(`Scheduler hit an exception: Traceback (most recent call last):\n${error.message}`);
    response.destroy();
    die();
    return;
  }
  say(`ERROR:    Exception in simulated engine\n${(error as Error).stack}`);
  if (response.headersSent) response.destroy();
  else sendText(response, 500, 'Internal Server Error', 'text/plain; charset=utf-8');
}
