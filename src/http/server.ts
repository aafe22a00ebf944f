import { once } from 'node:events';
import { createServer, type IncomingMessage, type Server, type ServerOptions, type ServerResponse } from 'node:http';
import { networkInterfaces } from 'node:os';
import { ExitError, RouterError } from '../errors.ts';
import type { Log } from '../log.ts';
import { answerClientError } from './client-error.ts';
import { ConnectionCount } from './connection-count.ts';
import { refuseExpectation, strictly } from './framing.ts';
import { pathOf } from './path.ts';
import { portHolder } from './port-holder.ts';
import { addressesOf } from './reach.ts';
import { sendError } from './respond.ts';
import type { KeyPair } from './tls-files.ts';

/** Times and sizes that a client has to keep to. */
export interface Limits {
  /** For a request's headers, from its first byte on, or from the connection on for the first request. */
  readonly headersTimeoutMs: number;
  /** For a whole request, body included. */
  readonly requestTimeoutMs: number;
  /** How often those two are looked at. */
  readonly checkIntervalMs: number;
  /** Request line and headers together. */
  readonly maxHeaderBytes: number;
  /** Requests on connections beyond so many are answered 503. */
  readonly maxConnections: number;
}

const LIMITS: Omit<Limits, 'maxConnections'> = {
  headersTimeoutMs: 30_000,
  requestTimeoutMs: 300_000,
  checkIntervalMs: 5_000,
  maxHeaderBytes: 64 * 1024,
};
/** Longer than clients' pools keep idle connections, so that the client is the one to close. */
const KEEP_ALIVE_MS = 75_000;
/** A burst of new connections, one per stream, must not be refused by a short accept queue. */
const BACKLOG = 4096;
/** Shortage of file descriptors is said at most so often. */
const SAY_AGAIN_MS = 10_000;

/** Serves one request; what it throws ends that request alone. */
export type Handler = (request: IncomingMessage, response: ServerResponse) => void | Promise<void>;

export interface ListenOptions {
  readonly log: Log;
  /** HTTPS with this certificate; plain HTTP without. */
  readonly tls?: KeyPair | undefined;
  readonly limits?: Partial<Limits>;
  /** Counts the clients; one of its own unless given. */
  readonly connections?: ConnectionCount;
}

/** Listens on `host:port` (port 0 takes a free one). Throws ExitError `port_in_use` naming the holder where it can be known. */
export async function listen(host: string, port: number, handler: Handler, options: ListenOptions): Promise<Server> {
  const { log, tls, connections = new ConnectionCount(options.limits?.maxConnections) } = options;
  const limits = { ...LIMITS, ...options.limits };
  const server = await create(limits, tls);
  // All of them, or none is read: a header that counts must not be dropped for its place in the list.
  server.maxHeadersCount = 0;
  connections.watch(server);
  server.on('clientError', answerClientError);
  server.on(
    'request',
    strictly((request, response) => {
      if (connections.tooMany) return refuse(response);
      void serve(handler, request, response, log);
    }),
  );
  server.on('checkExpectation', refuseExpectation);
  server.listen({ host, port, backlog: BACKLOG });
  try {
    await once(server, 'listening');
  } catch (error) {
    throw await explain(error as NodeJS.ErrnoException, host, port);
  }
  server.on(
    'error',
    atMostEvery(SAY_AGAIN_MS, (error) => log.error('connections cannot be accepted', { reason: error.message })),
  );
  return server;
}

async function create(limits: typeof LIMITS, tls: KeyPair | undefined): Promise<Server> {
  const options: ServerOptions = {
    noDelay: true,
    keepAliveTimeout: KEEP_ALIVE_MS,
    insecureHTTPParser: false,
    // Looked for in `strictly`, which says so.
    requireHostHeader: false,
    headersTimeout: limits.headersTimeoutMs,
    requestTimeout: limits.requestTimeoutMs,
    connectionsCheckingInterval: limits.checkIntervalMs,
    maxHeaderSize: limits.maxHeaderBytes,
  };
  if (!tls) return createServer(options);
  // Loaded only where it is used.
  const https = await import('node:https');
  return https.createServer({ ...options, ...tls, handshakeTimeout: limits.headersTimeoutMs });
}

async function serve(handler: Handler, request: IncomingMessage, response: ServerResponse, log: Log): Promise<void> {
  try {
    await handler(request, response);
  } catch (error) {
    log.error('a request failed in the router', { path: pathOf(request.url ?? ''), reason: (error as Error).stack });
    if (response.headersSent) response.destroy();
    else sendError(response, error);
  }
}

function refuse(response: ServerResponse): void {
  response.setHeader('connection', 'close');
  const message = 'the router has no file descriptors for more connections; raise its limit (ulimit -n)';
  sendError(response, new RouterError('too_many_connections', message, { retryAfterSecs: 1 }));
}

function atMostEvery(ms: number, say: (error: Error) => void): (error: Error) => void {
  let saidMs = Number.NEGATIVE_INFINITY;
  return (error) => {
    if (performance.now() - saidMs < ms) return;
    saidMs = performance.now();
    say(error);
  };
}

async function explain(error: NodeJS.ErrnoException, host: string, port: number): Promise<Error> {
  const cannot = `cannot listen on ${host.includes(':') ? `[${host}]` : host}:${port}`;
  if (error.code === 'EADDRINUSE') {
    const holder = await portHolder(port);
    return new ExitError('port_in_use', `${cannot}: the port is in use${holder ? ` by ${holder}` : ''}`, {
      hint: 'stop that program, or choose another --port',
    });
  }
  const [reason, hint] = problemOf(error.code ?? '', port) ?? [error.message, 'choose another --host or --port'];
  return new ExitError('usage', `${cannot}: ${reason}`, { hint, cause: error });
}

/** Why an address cannot be listened on, and what to do. */
export function problemOf(code: string, port: number): [reason: string, hint: string] | undefined {
  const own = ['127.0.0.1', ...addressesOf(networkInterfaces(), true)].join(', ');
  switch (code) {
    case 'EACCES':
      return port < 1024
        ? ['a port below 1024 needs more rights than this user has', 'choose a --port from 1024 up']
        : ['the system does not permit it', 'choose another --port'];
    case 'EADDRNOTAVAIL':
    case 'EINVAL':
      return ['no network interface of this machine has that address', `it has ${own}; --host 0.0.0.0 is all of them`];
    case 'EAFNOSUPPORT':
      return ['this machine has no such kind of address', `it has ${own}; --host 0.0.0.0 is all of them`];
    case 'ENOTFOUND':
    case 'EAI_AGAIN':
      return ['the host name is not known', `choose an address of this machine: ${own}; --host 0.0.0.0 is all of them`];
    default:
      return undefined;
  }
}
