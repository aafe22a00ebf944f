import type { IncomingHttpHeaders } from 'node:http';
import type { Duplex } from 'node:stream';
import type { Dispatcher } from 'undici';
// Not from undici's index, which loads fetch, websockets and caches too: 21 MB of memory less.
import { ClientDestroyedError } from 'undici/lib/core/errors.js';
import Pool from 'undici/lib/dispatcher/pool.js';
import { acceptedUpgrade } from '../upgrade.ts';
import { WireClient } from './client.ts';
import { TlsTunnel } from './tls-tunnel.ts';
import type { Controller, ExchangeHandler, WorkerClient, WorkerRequest } from './worker-client.ts';
import { createTlsConnector, type WorkerTls } from './worker-tls.ts';

/** Below the 5 s after which uvicorn closes an idle connection, so that the server's close never meets our request. */
const KEEP_ALIVE_MS = 4_000;
const CONNECT_TIMEOUT_MS = 5_000;

/** The connections to one worker: as many as requests are in flight, kept for reuse. With TLS they are undici's, else our own. */
export function createClient(origin: string, tls: WorkerTls = {}): WorkerClient {
  if (!origin.startsWith('https:')) {
    return new WireClient(origin, { keepAliveMs: KEEP_ALIVE_MS, connectTimeoutMs: CONNECT_TIMEOUT_MS });
  }
  return new TlsClient(origin, {
    keepAliveTimeout: KEEP_ALIVE_MS,
    keepAliveMaxTimeout: KEEP_ALIVE_MS,
    // The whole request has one deadline, kept by the data path; a long prefill is not an error.
    headersTimeout: 0,
    bodyTimeout: 0,
    connect: createTlsConnector(tls, CONNECT_TIMEOUT_MS),
  });
}

/** Connections to an `https://` worker. */
class TlsClient implements WorkerClient {
  readonly #kept: Pool;
  /** Without pipelining undici closes each connection after one exchange. */
  readonly #fresh: Pool;
  readonly #tunnels = new Set<TlsTunnel>();

  constructor(origin: string, options: Pool.Options) {
    this.#kept = new Pool(origin, { ...options, pipelining: 1 });
    this.#fresh = new Pool(origin, { ...options, pipelining: 0 });
  }

  get connections(): number {
    return this.#kept.stats.connected + this.#fresh.stats.connected + this.#tunnels.size;
  }

  dispatch(request: WorkerRequest, handler: ExchangeHandler): void {
    const { fresh, ...options } = request;
    const pool = fresh ? this.#fresh : this.#kept;
    const asker = request.upgrade === undefined ? handler : new UpgradeHandler(request.upgrade, handler, this.#tunnels);
    pool.dispatch(options as Dispatcher.DispatchOptions, asker);
  }

  async destroy(error?: Error): Promise<void> {
    for (const tunnel of [...this.#tunnels])
      tunnel.abort(error ?? new ClientDestroyedError('the worker was taken out'));
    await Promise.all([this.#kept.destroy(error ?? null), this.#fresh.destroy(error ?? null)]);
  }
}

/** Asks a worker over TLS to switch protocols; whatever else it answers is passed on. */
class UpgradeHandler implements ExchangeHandler {
  readonly #offered: string;
  readonly #handler: ExchangeHandler;
  readonly #tunnels: Set<TlsTunnel>;

  constructor(offered: string, handler: ExchangeHandler, tunnels: Set<TlsTunnel>) {
    this.#offered = offered;
    this.#handler = handler;
    this.#tunnels = tunnels;
  }

  onRequestStart(controller: Controller): void {
    this.#handler.onRequestStart(controller);
  }

  onResponseStarted(): void {
    this.#handler.onResponseStarted?.();
  }

  onRequestUpgrade(_: Controller, _status: number, headers: IncomingHttpHeaders, socket: Duplex): void {
    const handler = this.#handler;
    const tunnel = new TlsTunnel(socket, handler, (over) => this.#tunnels.delete(over));
    this.#tunnels.add(tunnel);
    tunnel.open();
    try {
      handler.onSwitch?.(tunnel, acceptedUpgrade(this.#offered, headers), headers);
    } catch (error) {
      tunnel.abort(error as Error);
    }
  }

  onResponseStart(controller: Controller, status: number, headers: IncomingHttpHeaders, statusText?: string): void {
    this.#handler.onResponseStart(controller, status, headers, statusText);
  }

  onResponseData(controller: Controller, chunk: Buffer): void {
    this.#handler.onResponseData(controller, chunk);
  }

  onResponseEnd(): void {
    this.#handler.onResponseEnd();
  }

  onResponseError(controller: Controller, error: Error): void {
    this.#handler.onResponseError(controller, error);
  }
}
