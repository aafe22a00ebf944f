import type { Dispatcher } from 'undici';
// Not from undici's index, which loads fetch, websockets and caches too: 21 MB of memory less.
import Pool from 'undici/lib/dispatcher/pool.js';
import { WireClient } from './wire/client.ts';
import type { ExchangeHandler, WorkerClient, WorkerRequest } from './worker-client.ts';
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

  constructor(origin: string, options: Pool.Options) {
    this.#kept = new Pool(origin, { ...options, pipelining: 1 });
    this.#fresh = new Pool(origin, { ...options, pipelining: 0 });
  }

  dispatch(request: WorkerRequest, handler: ExchangeHandler): void {
    const { fresh, ...options } = request;
    const pool = fresh ? this.#fresh : this.#kept;
    pool.dispatch(options as Dispatcher.DispatchOptions, handler);
  }

  async destroy(error?: Error): Promise<void> {
    await Promise.all([this.#kept.destroy(error ?? null), this.#fresh.destroy(error ?? null)]);
  }
}
