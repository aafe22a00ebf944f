import type { IncomingHttpHeaders } from 'node:http';
import type { RequestIds } from './http/request-id.ts';
import type { RouteLabel } from './http/route-label.ts';
import type { Metrics } from './metrics/metrics.ts';
import type { StreamPace } from './metrics/stream-pace.ts';
import type { WorkerSeries } from './metrics/worker-series.ts';
import { RequestRecord } from './request-record.ts';
import type { AttemptTrace, RequestTrace, Tracer } from './tracing/tracer.ts';

export interface ObserverParts {
  readonly metrics: Metrics;
  /** Writes the line of a request that has ended; absent where nobody reads it. */
  readonly access: ((record: RequestRecord) => void) | undefined;
  /** Absent without `--enable-trace`. */
  readonly tracer: Tracer | undefined;
  readonly requestIds: RequestIds;
  readonly routeLabel: RouteLabel;
}

/** The head of a request. */
export interface Head {
  readonly method?: string | undefined;
  readonly url?: string | undefined;
  readonly headers: IncomingHttpHeaders;
}

/** How a worker was chosen. */
export interface Chosen {
  readonly worker: string;
  readonly policy: string;
  readonly reason: string;
  readonly matchedBytes: number;
  readonly promptBytes: number;
}

/** How an attempt ended; all absent where the client left before an answer. */
export interface AttemptResult {
  /** Code of the failure, where it failed. */
  readonly errorCode?: string | undefined;
  /** It failed after the client had part of the answer. */
  readonly started?: boolean;
  readonly promptTokens?: number | undefined;
  readonly completionTokens?: number | undefined;
  readonly cachedTokens?: number | undefined;
}

/** The one that the data path tells; log, metrics and traces hear of it here. */
export class Observer {
  readonly metrics: Metrics;
  readonly #parts: ObserverParts;

  constructor(parts: ObserverParts) {
    this.metrics = parts.metrics;
    this.#parts = parts;
  }

  /** A request has come. */
  begin({ method = 'GET', url = '/', headers }: Head): ObservedRequest {
    const { tracer, requestIds, routeLabel } = this.#parts;
    const path = pathOf(url);
    const record = new RequestRecord(requestIds(headers, path), method, path, routeLabel(path));
    return new ObservedRequest(record, this.#parts, tracer?.begin(record, headers));
  }
}

/** One request on its way. The data path sets fields of `record` as it learns them. */
export class ObservedRequest {
  readonly record: RequestRecord;
  readonly #parts: ObserverParts;
  readonly #trace: RequestTrace | undefined;

  constructor(record: RequestRecord, parts: ObserverParts, trace: RequestTrace | undefined) {
    this.record = record;
    this.#parts = parts;
    this.#trace = trace;
  }

  /** A worker was chosen and is asked. */
  attempt(chosen: Chosen): ObservedAttempt {
    const { record } = this;
    Object.assign(record, chosen);
    record.attempts++;
    const series = this.#parts.metrics.worker(chosen.worker);
    series.chosen(chosen.policy, chosen.reason);
    return new ObservedAttempt(record, series, this.#trace?.attempt(chosen.worker));
  }

  /** Another attempt begins, after a wait. */
  retried(waitedMs: number): void {
    this.#parts.metrics.retried(this.record, waitedMs);
  }

  /** The last attempt that was allowed failed too. */
  exhausted(): void {
    this.#parts.metrics.retriesExhausted(this.record);
  }

  /** It is over; `status` 0 where no head was sent. Once. */
  end(status: number, clientLeft: boolean): void {
    const { record } = this;
    record.status = status;
    record.clientLeft = clientLeft;
    record.totalMs = performance.now() - record.startedMs;
    this.#parts.metrics.ended(record);
    this.#parts.access?.(record);
    this.#trace?.end(record);
  }
}

/** One attempt at a worker on its way. */
export class ObservedAttempt {
  readonly #record: RequestRecord;
  readonly #series: WorkerSeries;
  readonly #trace: AttemptTrace | undefined;
  #status: number | undefined;
  #pace: StreamPace | undefined;

  constructor(record: RequestRecord, series: WorkerSeries, trace: AttemptTrace | undefined) {
    this.#record = record;
    this.#series = series;
    this.#trace = trace;
  }

  /** In place of the client's `traceparent`; undefined where the client's is passed on. */
  get traceparent(): string | undefined {
    return this.#trace?.traceparent;
  }

  /** The head of the answer has come. */
  head(status: number, streams: boolean): void {
    this.#status = status;
    this.#record.streams = streams;
    if (streams) this.#pace = this.#series.pace();
  }

  /** Some bytes of its body have come. The clock is read for streams and for first bytes only. */
  chunk(bytes: number): void {
    const record = this.#record;
    record.answerBytes += bytes;
    if (record.firstByteMs !== undefined && !this.#pace) return;
    const nowMs = performance.now();
    record.firstByteMs ??= nowMs - record.startedMs;
    this.#pace?.chunk(nowMs);
  }

  /** It is over, however it ended. Once. */
  end({ errorCode, started = false, promptTokens, completionTokens, cachedTokens }: AttemptResult): void {
    const record = this.#record;
    record.promptTokens = promptTokens;
    record.completionTokens = completionTokens;
    record.cachedTokens = cachedTokens;
    if (this.#status !== undefined) this.#series.answered(this.#status);
    if (errorCode !== undefined) {
      if (started) this.#series.brokeOff();
      else this.#series.failed(errorCode);
    }
    this.#trace?.end({ status: this.#status, errorCode });
  }
}

/** The path alone, also of `http://host/path?query`. */
function pathOf(url: string): string {
  const path = url.startsWith('/') ? url : (URL.parse(url)?.pathname ?? '/');
  const query = path.indexOf('?');
  return query < 0 ? path : path.slice(0, query);
}
