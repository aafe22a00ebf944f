import { ExitError } from '../../errors/errors.ts';
import type { Log } from '../log/log.ts';
import { Batch } from './batch.ts';
import { readEndpoint } from './endpoint.ts';
import { Tracer } from './tracer.ts';

/** How long the last spans may take when the router ends. */
const CLOSE_MS = 2_000;

export interface OpenTracing {
  readonly tracer: Tracer;
  /** Sends the last spans. */
  close(): Promise<void>;
}

/** Traces to an OpenTelemetry collector. Import this module only with `--enable-trace`. Throws a usage error for a bad endpoint. */
export async function openTracing(endpoint: string, version: string, log: Log): Promise<OpenTracing> {
  const found = readEndpoint(endpoint);
  if (!found) {
    throw new ExitError('usage', `--otlp-traces-endpoint: expected HOST:PORT or http://HOST:PORT, got '${endpoint}'`);
  }
  const transport =
    found.protocol === 'grpc'
      ? (await import('./grpc-transport.ts')).grpcTransport(found.url)
      : (await import('./http-transport.ts')).httpTransport(found.url);
  const batch = new Batch(transport, version, log);
  log.info('traces are sent', { to: found.url.host, protocol: found.protocol });
  return { tracer: new Tracer((span) => batch.add(span)), close: () => batch.close(CLOSE_MS) };
}
