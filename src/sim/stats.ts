import { Histogram } from './histogram.ts';
import type { Job } from './job.ts';

const TTFT_SECS = [0.1, 0.2, 0.4, 0.6, 0.8, 1, 2, 4, 6, 8, 10, 20, 40, 60, 80, 100, 200, 400];
const E2E_SECS = [...TTFT_SECS, 600, 1200, 1800, 2400];
const ITL_SECS = [
  0.002, 0.004, 0.006, 0.008, 0.01, 0.015, 0.02, 0.025, 0.03, 0.035, 0.04, 0.06, 0.08, 0.1, 0.2, 0.4, 0.6, 0.8, 1, 2, 4,
  6, 8,
];
/** Decode steps over which generation throughput is averaged, as a real engine does for its log line. */
const THROUGHPUT_STEPS = 40;

/** Totals that SGLang's metrics keep apart by streaming and not. */
export interface RequestTotals {
  requests: number;
  promptTokens: number;
  generatedTokens: number;
  readonly ttftSecs: Histogram;
  readonly e2eSecs: Histogram;
}

/** What an engine measures of itself; the engine writes, endpoints read. */
export class EngineStats {
  readonly whole: RequestTotals = requestTotals();
  readonly streamed: RequestTotals = requestTotals();
  readonly itlSecs = new Histogram(ITL_SECS);
  readonly queueSecs = new Histogram(TTFT_SECS);
  cachedTokens = 0;
  abortedRequests = 0;
  /** Prompt tokens computed, and the simulated time it took. */
  prefillTokens = 0;
  prefillMs = 0;
  /** Sums over decode steps: 1, batch, µs, batch², batch × µs, tokens. */
  readonly decodeMoments: number[] = [0, 0, 0, 0, 0, 0];
  /** Tokens a second over the latest decode steps. */
  genThroughput = 0;
  /** Share of prompt tokens found in the cache, in the latest step that computed prompts. */
  cacheHitRate = 0;
  /** Simulated time given up because the machine was too slow for it. */
  lostMs = 0;
  #windowSteps = 0;
  #windowTokens = 0;
  #windowStartMs = 0;

  /** A step has computed `tokens` of each prompt. */
  prefilled(prefills: readonly { readonly job: Job; readonly tokens: number }[], durationMs: number): void {
    let computed = 0;
    let cached = 0;
    for (const { job, tokens } of prefills) {
      computed += tokens;
      if (job.computedTokens === job.cachedTokens) {
        cached += job.cachedTokens;
        this.queueSecs.observe((job.scheduledMs - job.arrivedMs) / 1000);
      }
    }
    this.prefillTokens += computed;
    this.prefillMs += durationMs;
    this.cachedTokens += cached;
    this.cacheHitRate = cached / (cached + computed);
  }

  /** A step has given `batch` requests a token each. */
  decoded(batch: number, durationMs: number, nowMs: number): void {
    const us = Math.round(durationMs * 1000);
    [1, batch, us, batch * batch, batch * us, batch].forEach((value, i) => {
      this.decodeMoments[i] = (this.decodeMoments[i] as number) + value;
    });
    if (this.#windowSteps === 0) this.#windowStartMs = nowMs - durationMs;
    this.#windowTokens += batch;
    if (++this.#windowSteps < THROUGHPUT_STEPS) return;
    this.genThroughput = this.#windowTokens / ((nowMs - this.#windowStartMs) / 1000);
    this.#windowSteps = this.#windowTokens = 0;
  }

  /** Nothing is left to do. */
  idle(): void {
    this.genThroughput = this.#windowSteps = this.#windowTokens = 0;
  }

  /** A job has a token; called before its times are brought up to date. */
  produced(job: Job, nowMs: number): void {
    if (job.firstTokenMs > 0) this.itlSecs.observe((nowMs - job.lastTokenMs) / 1000);
    else this.#of(job).ttftSecs.observe((nowMs - job.arrivedMs) / 1000);
    if (job.finish) this.#of(job).e2eSecs.observe((nowMs - job.arrivedMs) / 1000);
  }

  /** A job is over. */
  ended(job: Job): void {
    if (job.finish?.type === 'abort') this.abortedRequests++;
    const totals = this.#of(job);
    totals.requests++;
    totals.promptTokens += job.promptTokens;
    totals.generatedTokens += job.outputTokens;
  }

  #of(job: Job): RequestTotals {
    return job.spec.stream ? this.streamed : this.whole;
  }
}

function requestTotals(): RequestTotals {
  return {
    requests: 0,
    promptTokens: 0,
    generatedTokens: 0,
    ttftSecs: new Histogram(TTFT_SECS),
    e2eSecs: new Histogram(E2E_SECS),
  };
}
