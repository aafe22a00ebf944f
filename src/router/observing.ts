import manifest from '../../package.json' with { type: 'json' };
import type { Config } from '../config/options.ts';
import type { HttpServer } from '../http/edge/http-server.ts';
import { createRequestIds } from '../http/request-id.ts';
import type { Log } from '../observe/log/log.ts';
import { Metrics } from '../observe/metrics/metrics.ts';
import { serveMetrics } from '../observe/metrics/server.ts';
import { Observer } from '../observe/observer.ts';
import type { RequestRecord } from '../observe/request-record.ts';
import type { OpenTracing } from '../observe/tracing/open.ts';
import type { OpenRecording } from '../observe/traffic/open.ts';

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
  readonly #recording: OpenRecording | undefined;
  #server: HttpServer | undefined;

  private constructor(config: Config, { log, access }: Watching, metrics: Metrics, opened: Opened) {
    this.#log = log;
    this.#traces = opened.traces;
    this.#recording = opened.recording;
    this.observer = new Observer({
      metrics,
      access,
      tracer: opened.traces?.tracer,
      recorder: opened.recording?.recorder,
      requestIds: createRequestIds(config.requestIdHeaders),
    });
  }

  /** Throws a usage error for a bad `--otlp-traces-endpoint` or `--record-trace`. */
  static async open(config: Config, watching: Watching): Promise<Observing> {
    const { prometheusDurationBuckets: durationBuckets, metricsNames: names, pdDisaggregation } = config;
    const backend = pdDisaggregation ? 'pd' : 'regular';
    const metrics = new Metrics({ version: manifest.version, durationBuckets, names, backend });
    try {
      const opened = {
        traces: await openTraces(config, watching.log),
        recording: await openTrafficTrace(config, metrics, watching.log),
      };
      return new Observing(config, watching, metrics, opened);
    } catch (error) {
      metrics.close();
      throw error;
    }
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
    await this.#recording?.close();
  }
}

interface Opened {
  readonly traces: OpenTracing | undefined;
  readonly recording: OpenRecording | undefined;
}

async function openTraces({ enableTrace, otlpTracesEndpoint }: Config, log: Log): Promise<OpenTracing | undefined> {
  if (!enableTrace) return undefined;
  const { openTracing } = await import('../observe/tracing/open.ts');
  return await openTracing(otlpTracesEndpoint, manifest.version, log);
}

async function openTrafficTrace(config: Config, metrics: Metrics, log: Log): Promise<OpenRecording | undefined> {
  const { recordTrace: path, recordTraceMaxBytes: maxBytes, recordTraceFiles: files } = config;
  if (path === undefined) return undefined;
  const { openRecording } = await import('../observe/traffic/open.ts');
  return await openRecording({ path, maxBytes, files }, (result, count) => metrics.recorded(result, count), log);
}
