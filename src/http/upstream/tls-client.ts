import type { IncomingHttpHeaders } from 'node:http';
import type { Duplex } from 'node:stream';
import type { Dispatcher } from 'undici';
// Not from undici's index, which loads fetch, websockets and caches too: 21 MB of memory less.
import { ClientDestroyedError } from 'undici/lib/core/errors.js';
import Pool from 'undici/lib/dispatcher/pool.js';
import { acceptedUpgrade } from '../upgrade.ts';
import type { WireOptions } from './client.ts';
import { createTlsConnector } from './tls-connector.ts';
import { TlsTunnel } from './tls-tunnel.ts';
import type { CallHandler, Controller, WorkerClient, WorkerRequest } from './worker-client.ts';
import type { WorkerTls } from './worker-tls.ts';

/** Connections to an `https://` worker, which undici makes. */
export class TlsClient implements WorkerClient {
  readonly #kept: Pool;
  /** A pool for new connections: without pipelining undici closes each after one call. */
  readonly #fresh: Pool;
  readonly #tunnels = new Set<TlsTunnel>();

  constructor(origin: string, tls: WorkerTls, { keepAliveMs, connectTimeoutMs }: WireOptions) {
    const options: Pool.Options = {
      keepAliveTimeout: keepAliveMs,
      keepAliveMaxTimeout: keepAliveMs,
      // The data path keeps the request's deadline; a long prefill is no error.
      headersTimeout: 0,
      bodyTimeout: 0,
      connect: createTlsConnector(tls, connectTimeoutMs),
    };
    this.#kept = new Pool(origin, { ...options, pipelining: 1 });
    this.#fresh = new Pool(origin, { ...options, pipelining: 0 });
  }

  get connections(): number {
    return this.#kept.stats.connected + this.#fresh.stats.connected + this.#tunnels.size;
  }

  dispatch(request: WorkerRequest, handler: CallHandler): void {
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

/** Asks a worker over TLS to switch protocols, and passes any other answer on. */
class UpgradeHandler implements CallHandler {
  readonly #offered: string;
  readonly #handler: CallHandler;
  readonly #tunnels: Set<TlsTunnel>;

  constructor(offered: string, handler: CallHandler, tunnels: Set<TlsTunnel>) {
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
