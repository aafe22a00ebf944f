import type { AddressInfo, Server, Socket } from 'node:net';
import { RouterError } from '../../errors/errors.ts';
import type { Log } from '../../observe/log/log.ts';
import { pathOf } from '../path.ts';
import { sendError } from '../respond.ts';
import type { KeyPair } from '../tls-files.ts';
import { Acceptors } from './acceptors.ts';
import { BodyBudget } from './body-budget.ts';
import { ClientConnection } from './client-connection.ts';
import type { ClientRequest } from './client-request.ts';
import { type ConnectionBounds, connectionBounds } from './connection-limit.ts';
import type { ConnectionLimits, ConnectionOptions } from './connection-options.ts';
import type { OpenConnection } from './open-connection.ts';
import type { Reply } from './reply.ts';

/** Times and sizes that clients have to keep to. */
export interface ServerLimits extends ConnectionLimits, ConnectionBounds {
  /** Interval at which time limits are checked. */
  readonly checkIntervalMs: number;
  /** Most bytes of request bodies that are held at once. */
  readonly maxHeldBytes: number;
  /** Why there are no more connections than `maxConnections`, for clients and the log. */
  readonly whyFull: string;
}

const NO_DESCRIPTORS = 'the router has no file descriptors for more connections; raise its limit (ulimit -n)';

const LIMITS: Omit<ServerLimits, keyof ConnectionBounds> = {
  headersTimeoutMs: 30_000,
  uploadTimeoutMs: 600_000,
  checkIntervalMs: 5_000,
  maxHeaderBytes: 64 * 1024,
  maxHeldBytes: 4 * 2 ** 30,
  whyFull: NO_DESCRIPTORS,
};
/** A connection without a whole head for so long gives its place to a new one when all are taken. */
const SILENT_MS = 1_000;
/** Least time between two log lines about missing file descriptors. */
const SAY_AGAIN_MS = 10_000;

/** Serves one request; an error that it throws ends only that request. */
export type Handler = (request: ClientRequest, reply: Reply) => void | Promise<void>;

export interface ListenOptions {
  readonly log: Log;
  /** Certificate for HTTPS; plain HTTP if undefined. */
  readonly tls?: KeyPair | undefined;
  readonly limits?: Partial<ServerLimits>;
  /** As in `AcceptorOptions`; one socket that is not shared unless given. */
  readonly sockets?: number;
  readonly shared?: boolean;
}

/** Listens on `host:port` (port 0 takes a free one). Throws ExitError `port_in_use`, with the holder's name if it can be found. */
export async function listen(
  host: string,
  port: number,
  handler: Handler,
  options: ListenOptions,
): Promise<HttpServer> {
  const edge = new HttpServer(handler, options);
  try {
    await edge.listen(host, port, options);
  } catch (error) {
    edge.close();
    throw error;
  }
  return edge;
}

/** A port on which clients are served, and their connections. */
export class HttpServer {
  readonly #connections = new Set<OpenConnection>();
  readonly #bounds: ConnectionBounds & Pick<ServerLimits, 'whyFull'>;
  readonly #bodyBudget: BodyBudget;
  readonly #options: ConnectionOptions;
  /** Options for connections beyond the limit. */
  readonly #optionsBeyond: ConnectionOptions;
  readonly #log: Log;
  readonly #timer: NodeJS.Timeout;
  #acceptors: Acceptors | undefined;

  constructor(handler: Handler, { log, limits: given }: ListenOptions) {
    const limits = { ...LIMITS, ...connectionBounds(), ...given };
    this.#bodyBudget = new BodyBudget(limits.maxHeldBytes);
    this.#bounds = limits;
    this.#log = log;
    this.#options = {
      limits,
      bodyBudget: this.#bodyBudget,
      serve: (request, reply) => void serve(handler, request, reply, log),
      refusal: () => undefined,
      closed: (connection) => this.#connections.delete(connection),
      http2: (socket, options) => void this.#speakHttp2(socket, options),
    };
    this.#optionsBeyond = { ...this.#options, refusal: () => this.#refusal() };
    this.#timer = setInterval(() => this.#check(), limits.checkIntervalMs).unref();
  }

  /** Serves connecting clients, with TLS after their handshake. */
  async listen(host: string, port: number, { tls, sockets = 1, shared = false }: ListenOptions): Promise<void> {
    const sayClosed = atMostEvery(SAY_AGAIN_MS, () =>
      this.#log.warning('connections are closed at once', { reason: whyFull }),
    );
    const { maxConnections, maxRefused, whyFull } = this.#bounds;
    const connected = (socket: Socket) => this.#connected(socket);
    const tlsServer = tls && (await this.#createTls(tls, connected));
    this.#acceptors = await Acceptors.open(host, port, {
      ...{ sockets, shared, most: maxConnections + maxRefused },
      // Half-open sockets would keep the descriptor of a client that leaves during its TLS handshake until that times out.
      allowHalfOpen: tls === undefined,
      accepted: tlsServer ? (socket) => tlsServer.emit('connection', socket) : connected,
      dropped: () => {
        sayClosed();
        this.#closeSilent(maxRefused);
      },
      failed: atMostEvery(SAY_AGAIN_MS, (error: Error) =>
        this.#log.error('connections cannot be accepted', { reason: error.message }),
      ),
    });
  }

  #connected(socket: Socket): void {
    // `ClientConnection` decides what a client's end means, after reading what came before it.
    socket.allowHalfOpen = true;
    const isBeyond = this.#connections.size >= this.#bounds.maxConnections && !this.#closeSilent(1);
    const connectionOptions = isBeyond ? this.#optionsBeyond : this.#options;
    if ('alpnProtocol' in socket && socket.alpnProtocol === 'h2') void this.#speakHttp2(socket, connectionOptions);
    else this.#connections.add(new ClientConnection(socket, connectionOptions));
  }

  /** A server that only makes TLS handshakes and does not listen. */
  async #createTls(tls: KeyPair, connected: (socket: Socket) => void): Promise<Server> {
    // node:tls is loaded only where it is used.
    const { createServer } = await import('node:tls');
    const handshakeTimeout = this.#options.limits.headersTimeoutMs;
    const server = createServer(
      { noDelay: true, ...tls, handshakeTimeout, ALPNProtocols: ['h2', 'http/1.1'] },
      connected,
    );
    // This follows a failed handshake, or bytes that are not TLS.
    return server.on('tlsClientError', (_, socket: Socket) => socket.destroy());
  }

  address(): AddressInfo {
    return this.#acceptors?.address() as AddressInfo;
  }

  /** How many clients are connected. */
  get connections(): number {
    return this.#connections.size;
  }

  /** Lets each open connection serve one more request; later connections are not affected. */
  leave(): undefined {
    for (const connection of this.#connections) connection.leave();
  }

  /** Whether one of those last requests may be on its way: its client was answered less than `ms` ago. */
  awaitsLast(ms: number): boolean {
    const nowMs = performance.now();
    for (const connection of this.#connections) if (connection.awaitsLast(ms, nowMs)) return true;
    return false;
  }

  /** Stops listening; connections close after the answers under way. */
  close(): this {
    clearInterval(this.#timer);
    this.#acceptors?.close();
    for (const connection of this.#connections) connection.closeWhenIdle();
    return this;
  }

  /** Closes every connection, whatever is under way. */
  closeAllConnections(): void {
    for (const connection of this.#connections) connection.destroy();
  }

  /** node:http2 is loaded with the first client that speaks it: it takes memory, and most speak HTTP/1.1. */
  async #speakHttp2(socket: Socket, options: ConnectionOptions): Promise<void> {
    socket.on('error', () => socket.destroy());
    const { Http2Connection } = await import('./http2-connection.ts');
    if (socket.destroyed) return;
    this.#connections.add(new Http2Connection(socket, options));
  }

  #refusal(): RouterError | undefined {
    if (this.#connections.size <= this.#bounds.maxConnections) return undefined;
    return new RouterError('too_many_connections', this.#bounds.whyFull, { retryAfterSecs: 1 });
  }

  /** Closes up to `most` of the oldest silent connections to make room; false if there is none. */
  #closeSilent(most: number): boolean {
    const nowMs = performance.now();
    let closed = 0;
    for (const connection of this.#connections) {
      if (connection.silentMs(nowMs) < SILENT_MS) continue;
      connection.destroy();
      if (++closed === most) break;
    }
    return closed > 0;
  }

  #check(): void {
    const nowMs = performance.now();
    for (const connection of this.#connections) connection.check(nowMs);
  }
}

async function serve(handler: Handler, request: ClientRequest, reply: Reply, log: Log): Promise<void> {
  try {
    await handler(request, reply);
  } catch (error) {
    log.error('a request failed in the router', { path: pathOf(request.url), reason: (error as Error).stack });
    if (reply.started) reply.cut();
    else sendError(reply, error);
  }
}

function atMostEvery<T extends unknown[]>(ms: number, say: (...what: T) => void): (...what: T) => void {
  let saidMs = Number.NEGATIVE_INFINITY;
  return (...what) => {
    if (performance.now() - saidMs < ms) return;
    saidMs = performance.now();
    say(...what);
  };
}
