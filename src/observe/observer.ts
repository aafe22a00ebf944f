import type { IncomingHttpHeaders } from 'node:http';
import { endpointOf } from '../http/endpoints.ts';
import { pathOf } from '../http/path.ts';
import type { RequestIds } from '../http/request-id.ts';
import type { Metrics } from './metrics/metrics.ts';
import type { HistogramCounts } from './metrics/series.ts';
import type { StreamPace } from './metrics/stream-pace.ts';
import type { WorkerSeries } from './metrics/worker-series.ts';
import { RequestRecord } from './request-record.ts';
import type { AttemptTrace, RequestTrace, Tracer } from './tracing/tracer.ts';
import type { TraceRecorder } from './traffic/recorder.ts';

/** Hears of each choice of a worker, while somebody looks. */
interface ChoiceListener {
  /** The next choice should tell what was compared. */
  readonly wantsScores: boolean;
  /** `aside` where the worker's answer is not the client's, as that of a prefill server is not. */
  chosen(record: RequestRecord, chosen: Chosen, aside: boolean): void;
}

interface ObserverParts {
  readonly metrics: Metrics;
  /** Writes the line of a request that has ended; absent where nobody reads it. */
  readonly access: ((record: RequestRecord) => void) | undefined;
  /** Absent without `--enable-trace`. */
  readonly tracer: Tracer | undefined;
  /** Absent without `--record-trace`. */
  readonly recorder?: TraceRecorder | undefined;
  readonly requestIds: RequestIds;
}

/** With who listens at present. */
type Told = ObserverParts & { choices: ChoiceListener | undefined };

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
  /** What was compared; only where that was wanted. */
  readonly scores?: readonly Readonly<Record<string, string | number>>[] | undefined;
}

/** How an attempt ended. */
export interface AttemptResult {
  /** Undefined where it did not fail; `started` where it failed after the client had part of the answer. */
  readonly error: { readonly code: string; readonly started: boolean } | undefined;
  /** What it told the worker's circuit breaker. */
  readonly verdict: 'success' | 'failure' | 'neutral';
  /** The engine's own counts. */
  readonly usage: Pick<RequestRecord, 'promptTokens' | 'completionTokens' | 'cachedTokens'>;
}

/** The one that the data path tells; log, metrics and traces hear of it here. */
export class Observer {
  readonly metrics: Metrics;
  readonly #parts: Told;

  constructor(parts: ObserverParts) {
    this.metrics = parts.metrics;
    this.#parts = { ...parts, choices: undefined };
  }

  /** Each choice of a worker is told to that one too. */
  listen(choices: ChoiceListener): void {
    this.#parts.choices = choices;
  }

  /** A request has come; `elsewhere` tells its id and its start where another thread has it. */
  begin({ method = 'GET', url = '/', headers }: Head, elsewhere?: { id: string; startedMs: number }): ObservedRequest {
    const { tracer, requestIds } = this.#parts;
    const path = pathOf(url);
    const record = new RequestRecord(
      elsewhere?.id ?? requestIds(headers, path),
      method,
      path,
      endpointOf(path).path,
      elsewhere?.startedMs,
    );
    this.metrics.began(record);
    return new ObservedRequest(record, this.#parts, tracer?.begin(record, headers));
  }
}

/** One request on its way. The data path sets fields of `record` as it learns them. */
export class ObservedRequest {
  readonly record: RequestRecord;
  readonly #parts: Told;
  readonly #trace: RequestTrace | undefined;

  constructor(record: RequestRecord, parts: Told, trace: RequestTrace | undefined) {
    this.record = record;
    this.#parts = parts;
    this.#trace = trace;
  }

  /** The next choice should tell what it compared. */
  get wantsScores(): boolean {
    return this.#parts.choices?.wantsScores ?? false;
  }

  /** It asks for an answer to a prompt, which is read only where a trace is recorded. */
  prompts(hints: { readonly prompt: object | undefined }): void {
    const { recorder } = this.#parts;
    if (!recorder) return;
    const { prompt } = hints;
    if (prompt instanceof Uint8Array) this.record.marks = recorder.mark(prompt);
  }

  /** A worker was chosen and is asked; `aside` where its answer is not the client's, as that of a prefill server is not. */
  attempt(chosen: Chosen, aside = false): ObservedAttempt {
    const { record } = this;
    const { worker, policy, reason, matchedBytes, promptBytes } = chosen;
    if (!aside) {
      record.attempts++;
      record.worker = worker;
      record.policy = policy;
      record.reason = reason;
      record.matchedBytes = matchedBytes;
      record.promptBytes = promptBytes;
      record.errorEvent = undefined;
    }
    const series = this.#parts.metrics.worker(worker);
    series.chosen(policy, reason);
    this.#parts.choices?.chosen(record, chosen, aside);
    return new ObservedAttempt(aside ? undefined : record, series, this.#trace?.attempt(worker));
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
    this.#parts.recorder?.ended(record);
    this.#trace?.end(record);
  }
}

/** One attempt at a worker on its way. */
export class ObservedAttempt {
  /** Absent where its answer is not the client's. */
  readonly #record: RequestRecord | undefined;
  readonly #series: WorkerSeries;
  readonly #trace: AttemptTrace | undefined;
  #status: number | undefined;
  #pace: StreamPace | undefined;

  constructor(record: RequestRecord | undefined, series: WorkerSeries, trace: AttemptTrace | undefined) {
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
    if (!this.#record) return;
    this.#record.streams = streams;
    if (streams) this.#pace = this.#series.pace();
  }

  /** Some bytes of its body have come, in so many chunks. The clock is read for streams and for first bytes only. */
  chunk(bytes: number, count = 1): void {
    const record = this.#record;
    if (!record) return;
    record.answerBytes += bytes;
    record.answerChunks += count;
    if (record.firstByteMs !== undefined && !this.#pace) return;
    const nowMs = performance.now();
    record.firstByteMs ??= nowMs - record.startedMs;
    this.#pace?.chunk(nowMs, count);
  }

  /** In place of `chunk`: so many bytes after the first, with those times between their chunks in seconds. */
  streamed(bytes: number, gaps: HistogramCounts | undefined): void {
    if (!this.#record) return;
    this.#record.answerBytes += bytes;
    if (!gaps) return;
    for (const count of gaps.counts) this.#record.answerChunks += count;
    this.#series.paced(gaps);
  }

  /** An event of its stream is an error that stands for this status. */
  errorEvent(status: number): void {
    this.#series.errorEvent(status);
    if (this.#record) this.#record.errorEvent = status;
  }

  /** It is over, however it ended. Once. */
  end({ error, verdict, usage }: AttemptResult): void {
    if (this.#record) this.#noteIn(this.#record, usage, error);
    this.#series.settled(verdict);
    if (this.#status !== undefined) this.#series.answered(this.#status);
    if (error?.started) this.#series.brokeOff();
    else if (error) this.#series.failed(error.code);
    this.#trace?.end({ status: this.#status, errorCode: error?.code });
  }

  #noteIn(record: RequestRecord, usage: AttemptResult['usage'], error: AttemptResult['error']): void {
    record.promptTokens = usage.promptTokens;
    record.completionTokens = usage.completionTokens;
    record.cachedTokens = usage.cachedTokens;
    if (error?.started) record.errorCode = error.code;
  }
}
