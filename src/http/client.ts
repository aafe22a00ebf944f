// Not from undici's index, which loads fetch, websockets and caches too: 21 MB of memory less.
import Pool from 'undici/lib/dispatcher/pool.js';
import { createConnector } from './connect.ts';
import { createTlsConnector, type WorkerTls } from './worker-tls.ts';

/** Below the 5 s after which uvicorn closes an idle connection, so that the server's close never meets our request. */
const KEEP_ALIVE_MS = 4_000;
const CONNECT_TIMEOUT_MS = 5_000;

/** What may be asked of a worker's connections. */
export type WorkerClient = Pick<Pool, 'dispatch' | 'close' | 'destroy'>;

/** The connections to one worker: as many as requests are in flight, kept for reuse. The only user of undici's pools. */
export function createClient(origin: string, tls: WorkerTls = {}): WorkerClient {
  return new Pool(origin, {
    pipelining: 1,
    keepAliveTimeout: KEEP_ALIVE_MS,
    keepAliveMaxTimeout: KEEP_ALIVE_MS,
    // The whole request has one deadline, kept by the data path; a long prefill is not an error.
    headersTimeout: 0,
    bodyTimeout: 0,
    connect: origin.startsWith('https:')
      ? createTlsConnector(tls, CONNECT_TIMEOUT_MS)
      : createConnector(CONNECT_TIMEOUT_MS),
  });
}
