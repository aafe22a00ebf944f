import type { Families } from './families.ts';
import { statusLabel } from './labels.ts';
import type { Counter, Histogram, HistogramCounts } from './series.ts';
import { StreamPace } from './stream-pace.ts';

/** What is counted of one worker and one model. */
interface ModelSeries {
  readonly ttft: Histogram;
  readonly promptTokens: Counter;
  readonly completionTokens: Counter;
  readonly cacheQueried: Counter;
  readonly cachePredicted: Counter;
  readonly cacheHit: Counter;
}

const NOBODY = ['', ''] as const;

/** What is counted of one worker, its labels resolved once. */
export class WorkerSeries {
  #families: Families;
  #labels: readonly [worker: string, role: string];
  readonly #processed: Counter;
  readonly #interToken: Histogram;
  readonly #models = new Map<string, ModelSeries>();
  readonly #decisions = new Map<string, Counter>();
  readonly #responses = new Map<number, Counter>();
  readonly #verdicts = new Map<string, Counter>();

  constructor(families: Families, worker: string, role: string) {
    this.#families = families;
    this.#labels = [worker, role];
    this.#processed = families.processed.with(worker, role);
    this.#interToken = families.interToken.with(worker, role);
  }

  /** It was chosen for an attempt, by that rule of the policy. */
  chosen(policy: string, reason: string): void {
    this.#processed.inc();
    let series = this.#decisions.get(reason);
    if (!series) {
      series = this.#families.decisions.with(policy, ...this.#labels, reason);
      this.#decisions.set(reason, series);
    }
    series.inc();
  }

  /** It answered an attempt. */
  answered(status: number): void {
    let series = this.#responses.get(status);
    if (!series) {
      series = this.#families.workerResponses.with(...this.#labels, statusLabel(status));
      this.#responses.set(status, series);
    }
    series.inc();
  }

  /** An attempt ended without an answer. */
  failed(errorCode: string): void {
    this.#families.workerErrors.with(...this.#labels, errorCode).inc();
  }

  /** An event of a stream was an error that stands for this status. */
  errorEvent(status: number): void {
    this.#families.errorEvents.with(...this.#labels, statusLabel(status)).inc();
  }

  /** An answer broke off that the client has part of. */
  brokeOff(): void {
    this.#families.midstreamErrors.with(...this.#labels).inc();
  }

  healthChecked(healthy: boolean): void {
    this.#families.healthChecks.with(...this.#labels, healthy ? 'success' : 'failure').inc();
  }

  /** What a call told the breaker. */
  settled(outcome: 'success' | 'failure' | 'neutral'): void {
    let series = this.#verdicts.get(outcome);
    if (!series) {
      series = this.#families.breakerOutcomes.with(...this.#labels, outcome);
      this.#verdicts.set(outcome, series);
    }
    series.inc();
  }

  breakerMoved(from: string, to: string): void {
    this.#families.breakerTransitions.with(...this.#labels, from, to).inc();
  }

  /** It was taken out for its errors to those requests. */
  ejected(route: string): void {
    this.#families.ejections.with(...this.#labels, route).inc();
  }

  /** Measures the gaps of one streamed answer. */
  pace(): StreamPace {
    return new StreamPace(this.#interToken);
  }

  /** Gaps of a streamed answer that were counted elsewhere. */
  paced(gaps: HistogramCounts): void {
    this.#interToken.add(gaps);
  }

  of(model: string): ModelSeries {
    let series = this.#models.get(model);
    if (!series) {
      const { ttft, promptTokens, completionTokens, cacheQueried, cachePredicted, cacheHit } = this.#families;
      const labels = [...this.#labels, model] as const;
      series = {
        ttft: ttft.with(...labels),
        promptTokens: promptTokens.with(...labels),
        completionTokens: completionTokens.with(...labels),
        cacheQueried: cacheQueried.with(...labels),
        cachePredicted: cachePredicted.with(...labels),
        cacheHit: cacheHit.with(...labels),
      };
      this.#models.set(model, series);
    }
    return series;
  }

  /** The worker is gone: what its last requests still count goes to `families`, which nobody reads. */
  retire(families: Families): void {
    this.#families = families;
    this.#labels = NOBODY;
  }

  /** The model is not served any more. */
  forget(model: string): void {
    this.#models.delete(model);
  }
}
