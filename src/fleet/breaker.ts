import type { Verdict } from './call.ts';
import type { Clock } from './clock.ts';

/** An `open` breaker lets no requests pass, a `half_open` one a single probe at a time. */
export type BreakerState = 'closed' | 'open' | 'half_open';

export interface BreakerOptions {
  /** Failures in a row that open the breaker; Infinity if failing requests never do. */
  readonly failureThreshold: number;
  /** Successes that close the breaker again. */
  readonly successThreshold: number;
  /** Time spent open before the first probe. */
  readonly timeoutMs: number;
  /** Failures further apart than this do not add up. */
  readonly windowMs: number;
}

interface Failure {
  readonly atMs: number;
  readonly cause: string;
}

/** Characters shown of a cause, and number of different causes. */
const LONGEST_CAUSE = 200;
const SHOWN_CAUSES = 3;

/** Takes a worker out after failures in a row and lets probes decide when it comes back. A request counts only in the state in which it was chosen. */
export class Breaker {
  readonly #options: BreakerOptions;
  readonly #clock: Clock;
  readonly #changed: (was: BreakerState) => void;
  #state: BreakerState = 'closed';
  /** Counts state changes; a ticket is the epoch of its choice, negative for a probe. */
  #epoch = 1;
  /** Failures in a row within the window, oldest first. */
  #recent: Failure[] = [];
  #successes = 0;
  #probing = false;
  /** Opened by `trip`: the worker hung although it looks healthy, so health checks do not close it. */
  #tripped = false;
  #reason = '';
  #failures = 0;
  #successesInARow = 0;
  #lastFailureMs = Number.NEGATIVE_INFINITY;
  #cancel: (() => void) | undefined;

  /** `changed` is told of every change of `state` or `admits`, with the state before. */
  constructor(options: BreakerOptions, clock: Clock, changed: (was: BreakerState) => void) {
    this.#options = options;
    this.#clock = clock;
    this.#changed = changed;
  }

  get state(): BreakerState {
    return this.#state;
  }

  /** Whether a request may be sent now. */
  get admits(): boolean {
    return this.#state === 'closed' || (this.#state === 'half_open' && !this.#probing);
  }

  /** Whether `trip` opened it and it has not closed since. */
  get tripped(): boolean {
    return this.#tripped;
  }

  /** The reason why it opened last. */
  get reason(): string {
    return this.#reason;
  }

  /** Failures since the last success, whatever the state. */
  get failures(): number {
    return this.#failures;
  }

  /** Successes since the last failure, whatever the state. */
  get successes(): number {
    return this.#successesInARow;
  }

  get lastFailureMs(): number {
    return this.#lastFailureMs;
  }

  /** Counts a choice; half open, it is the probe unless one is under way. Returns the ticket for `settled`. */
  chosen(): number {
    if (this.#state !== 'half_open' || this.#probing) return this.#epoch;
    this.#probing = true;
    this.#changed('half_open');
    return -this.#epoch;
  }

  /** Whether the ticket's request was chosen in the present state. */
  isCurrent(ticket: number): boolean {
    return Math.abs(ticket) === this.#epoch;
  }

  /** Counts the end of the ticket's request. */
  settled(verdict: Verdict, ticket: number, cause = 'a failure'): void {
    if (verdict === 'failure') this.#countFailure();
    else if (verdict === 'success') {
      this.#failures = 0;
      this.#successesInARow++;
    }
    if (!this.isCurrent(ticket)) return;
    if (verdict === 'failure') this.#failed(cause);
    else if (verdict === 'success') this.#succeeded();
    if (ticket === -this.#epoch) this.#freeProbe();
  }

  /** Counts a good health check, which is a success while half open. */
  healthy(): void {
    if (this.#state === 'half_open' && !this.#tripped) this.#succeeded();
  }

  /** Opens the breaker at once, or again; then only good requests close it. */
  trip(reason: string): void {
    this.#tripped = true;
    this.#countFailure();
    this.#open(reason);
  }

  /** Forgets everything, as a new process runs at the address. */
  reset(): void {
    this.#failures = 0;
    this.#successesInARow = 0;
    this.#recent = [];
    this.#epoch++;
    if (this.#state !== 'closed') this.#enter('closed');
  }

  close(): void {
    this.#cancel?.();
  }

  #countFailure(): void {
    this.#failures++;
    this.#successesInARow = 0;
    this.#lastFailureMs = this.#clock.now();
  }

  #failed(cause: string): void {
    if (this.#state === 'half_open') this.#open(`failed again when it was tried: ${cause}`);
    else if (this.#state === 'open') this.#successes = 0;
    else {
      const now = this.#clock.now();
      this.#recent = this.#recent.filter(({ atMs }) => now - atMs <= this.#options.windowMs);
      this.#recent.push({ atMs: now, cause: cause.slice(0, LONGEST_CAUSE) });
      const { length } = this.#recent;
      if (length >= this.#options.failureThreshold)
        this.#open(`${length} failures in a row: ${causesOf(this.#recent)}`);
    }
  }

  /** Counts a success, also while open: requests still come when no other worker is left. */
  #succeeded(): void {
    if (this.#recent.length > 0) this.#recent = [];
    if (this.#state === 'closed') return;
    if (++this.#successes >= this.#options.successThreshold) this.#enter('closed');
  }

  #freeProbe(): void {
    this.#probing = false;
    this.#changed('half_open');
  }

  #open(reason: string): void {
    this.#reason = reason;
    this.#enter('open');
    this.#cancel = this.#clock.after(this.#options.timeoutMs, () => this.#enter('half_open'));
  }

  #enter(state: BreakerState): void {
    const was = this.#state;
    this.#cancel?.();
    this.#state = state;
    this.#epoch++;
    this.#recent = [];
    this.#successes = 0;
    this.#probing = false;
    if (state === 'closed') this.#tripped = false;
    this.#changed(was);
  }
}

/** The causes of failures, the most frequent first. */
function causesOf(failures: readonly Failure[]): string {
  const alike = [...Map.groupBy(failures, ({ cause }) => cause)].sort(([, a], [, b]) => b.length - a.length);
  const shown = alike
    .slice(0, SHOWN_CAUSES)
    .map(([cause, { length }]) => (length > 1 ? `${cause} (${length} times)` : cause));
  return [...shown, ...(alike.length > SHOWN_CAUSES ? ['…'] : [])].join(', ');
}
