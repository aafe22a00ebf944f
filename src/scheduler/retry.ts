import type { Comparison } from '../fleet/call.ts';
import type { Outcome } from '../link/outcome.ts';
import { isRetryable } from '../link/statuses.ts';
import type { RetryBudget } from './retry-budget.ts';
import { Suspects } from './suspects.ts';
import type { Target } from './target.ts';

export interface RetryOptions {
  /** Most attempts after the first. */
  readonly retryMaxRetries: number;
  readonly retryInitialBackoffMs: number;
  readonly retryMaxBackoffMs: number;
  readonly retryBackoffMultiplier: number;
  /** Share by which a wait is made longer or shorter at random. */
  readonly retryJitterFactor: number;
  readonly disableRetries: boolean;
}

/** Servers that may break off under one request; the first may have died of something else. */
const MOST_BROKEN_OFF = 2;

/** Milliseconds before the retry of that number, from 0; `random` is uniform in [0, 1). */
export function backoffMs(retry: number, options: RetryOptions, random: () => number): number {
  const { retryInitialBackoffMs, retryMaxBackoffMs, retryBackoffMultiplier, retryJitterFactor } = options;
  const waitMs = Math.min(retryInitialBackoffMs * retryBackoffMultiplier ** retry, retryMaxBackoffMs);
  return waitMs * (1 + retryJitterFactor * (2 * random() - 1));
}

/** An attempt that ended in an error that other workers may not give. */
interface Erred {
  compared(comparison: Comparison): void;
}

/** The attempts of one request: the targets tried, and whether it may be sent again. */
export class Tries {
  /** Targets tried so far, in order; all ranks of a server that broke off. */
  readonly tried: Target[] = [];
  /** Servers that broke off under the request, and may have died of it. */
  readonly brokeOff: string[] = [];
  /** Attempts that ended in errors and wait for another worker's answer. */
  #erred: Erred[] = [];
  #over = false;
  readonly #suspects: Suspects;
  readonly #most: number;
  readonly #budget: RetryBudget;
  readonly #inFlight: () => number;
  #retries = 0;
  #taken = 0;
  #permitted = false;

  /** `most` is the number of retries; 0 if it must not be sent twice. */
  constructor(most: number, budget: RetryBudget, inFlight: () => number, suspects = new Suspects()) {
    this.#suspects = suspects;
    this.#most = most;
    this.#budget = budget;
    this.#inFlight = inFlight;
    budget.add();
  }

  /** Servers with other suspects to avoid, as this request may have ended a server; undefined while none broke off. */
  get apartFrom(): Suspects | undefined {
    return this.brokeOff.length > 0 ? this.#suspects : undefined;
  }

  /** Whether so many servers broke off under the request that no other may get it. */
  get harmful(): boolean {
    return this.brokeOff.length >= MOST_BROKEN_OFF;
  }

  /** Retries made. */
  get retries(): number {
    return this.#retries;
  }

  /** Whether all retries are used up, whatever the budget. */
  get exhausted(): boolean {
    return this.#retries >= this.#most;
  }

  /** Whether another attempt may follow; takes a place in the budget if a worker has `seen` this one. */
  permit(seen = true): boolean {
    if (this.#permitted) return true;
    if (this.exhausted) return false;
    if (seen && !this.#budget.take(this.#inFlight())) return false;
    if (seen) this.#taken++;
    this.#permitted = true;
    return true;
  }

  /** Notes an attempt that ended in an error. */
  err(attempt: Erred): void {
    if (this.#over) attempt.compared('unknown');
    else this.#erred.push(attempt);
  }

  /** Tells the workers that gave errors what another one answered. */
  compare(comparison: Comparison): void {
    if (this.#erred.length === 0) return;
    for (const attempt of this.#erred) attempt.compared(comparison);
    this.#erred = [];
  }

  /** Begins a permitted retry; returns its number, from 0. */
  next(): number {
    this.#permitted = false;
    return this.#retries++;
  }

  /** Ends the request; true if it ended well. Otherwise its retries stay spent. */
  end(last: Outcome | undefined): boolean {
    const well = last?.kind === 'answered' ? !isRetryable(last.status) : last?.kind === 'client_gone';
    this.#over = true;
    if (last?.kind === 'answered' && last.status < 400) this.compare('others_answer');
    else this.compare(last === undefined || last.kind === 'client_gone' ? 'unknown' : 'others_fail');
    if (well) this.#budget.giveBack(this.#taken);
    this.#taken = 0;
    return well;
  }
}
