import manifest from '../../package.json' with { type: 'json' };
import type { Config } from '../config/options.ts';
import type { EdgeServer } from '../http/edge/server.ts';
import { createRequestIds } from '../http/request-id.ts';
import type { Log } from '../observe/log/log.ts';
import { Metrics } from '../observe/metrics/metrics.ts';
import { serveMetrics } from '../observe/metrics/server.ts';
import { Observer } from '../observe/observer.ts';
import type { RequestRecord } from '../observe/request-record.ts';
import type { OpenTracing } from '../observe/tracing/open.ts';

export interface Watching {
  readonly log: Log;
  /** Writes the line of a request that has ended; absent where nobody reads it. */
  readonly access?: ((record: RequestRecord) => void) | undefined;
}

/** Metrics, traces and access log of a router, and the port and the connections that they need. */
export class Observing {
  readonly observer: Observer;
  readonly #log: Log;
  readonly #traces: OpenTracing | undefined;
  #server: EdgeServer | undefined;

  private constructor(config: Config, { log, access }: Watching, traces: OpenTracing | undefined) {
    this.#log = log;
    this.#traces = traces;
    this.observer = new Observer({
      metrics: new Metrics({
        version: manifest.version,
        durationBuckets: config.prometheusDurationBuckets,
        compat: config.metricsCompat,
      }),
      access,
      tracer: traces?.tracer,
      requestIds: createRequestIds(config.requestIdHeaders),
    });
  }

  /** Throws a usage error for a bad `--otlp-traces-endpoint`. */
  static async open(config: Config, watching: Watching): Promise<Observing> {
    const { enableTrace, otlpTracesEndpoint } = config;
    const traces = enableTrace
      ? await (await import('../observe/tracing/open.ts')).openTracing(
          otlpTracesEndpoint,
          manifest.version,
          watching.log,
        )
      : undefined;
    return new Observing(config, watching, traces);
  }

  /** Opens the port of the metrics, unless that is 0. */
  async listen({ prometheusHost: host, prometheusPort: port }: Config): Promise<void> {
    if (port !== 0) this.#server = await serveMetrics(this.observer.metrics, { host, port }, this.#log);
  }

  async close(): Promise<void> {
    this.#server?.close();
    this.#server?.closeAllConnections();
    this.observer.metrics.close();
    await this.#traces?.close();
  }
}
