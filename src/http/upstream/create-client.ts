import { WireClient, type WireOptions } from './client.ts';
import { ComingClient } from './coming-client.ts';
import type { WorkerClient } from './worker-client.ts';
import type { WorkerTls } from './worker-tls.ts';

/** Keep-alive is below the 5 s after which uvicorn closes an idle connection, so that the server's close never meets our request. */
const OPTIONS: WireOptions = { keepAliveMs: 4_000, connectTimeoutMs: 5_000 };

/** Creates the connections to one worker, kept for reuse. With TLS they are undici's, else our own. */
export function createClient(origin: string, tls: WorkerTls = {}): WorkerClient {
  return origin.startsWith('https:') ? new ComingClient(createTlsClient(origin, tls)) : new WireClient(origin, OPTIONS);
}

/** undici is loaded with the first TLS worker, as it takes memory in every thread. */
async function createTlsClient(origin: string, tls: WorkerTls): Promise<WorkerClient> {
  const { TlsClient } = await import('./tls-client.ts');
  return new TlsClient(origin, tls, OPTIONS);
}
