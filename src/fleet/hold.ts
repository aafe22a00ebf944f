import type { ChosenCall } from './call.ts';
import type { Clock } from './clock.ts';

/** Length of a rest, doubled each time. */
const REST_MS = 100;
const LONGEST_REST_MS = 3_200;
/** Longest rest of a full worker, whatever its Retry-After says. */
const LONGEST_BUSY_MS = 1_000;
const LONGEST_RETRY_AFTER_MS = 10_000;
/** Length of an ejection, doubled each time. */
const EJECTION_MS = 5_000;
const LONGEST_EJECTION_MS = 300_000;
/** Time without trouble after which an ejection counts as the first. */
const FORGIVEN_MS = 300_000;
/** Time after which a running call counts as accepted. */
const ACCEPTED_MS = 3_000;

/** Holds a worker back for a while, then lets one trial request through, which decides how it goes on. */
export class Hold {
  readonly #clock: Clock;
  readonly #accepted: (trial: ChosenCall) => void;
  #sinceMs = 0;
  /** When the hold ends; 0 without a hold. */
  #untilMs = 0;
  #times = 0;
  #ejections = 0;
  #backSinceMs = Number.NEGATIVE_INFINITY;
  #ejected: string | undefined;
  #trial: ChosenCall | undefined;
  #cancel: (() => void) | undefined;

  /** `accepted` is called for a trial that has run long enough to count as accepted. */
  constructor(clock: Clock, accepted: (trial: ChosenCall) => void) {
    this.#clock = clock;
    this.#accepted = accepted;
  }

  /** Whether a hold has begun and not ended, even if the trial is due. */
  get isSet(): boolean {
    return this.#untilMs !== 0;
  }

  /** Whether no request should be sent now. */
  get holds(): boolean {
    return this.isSet && (this.#trial !== undefined || this.#clock.now() < this.#untilMs);
  }

  get sinceMs(): number {
    return this.#sinceMs;
  }

  get leftMs(): number {
    return Math.max(0, this.#untilMs - this.#clock.now());
  }

  /** Why the worker was ejected; undefined during a mere rest or without a hold. */
  get ejected(): string | undefined {
    return this.#ejected;
  }

  isTrial(call: ChosenCall): boolean {
    return call === this.#trial;
  }

  /** Whether a call was sent after the hold began, and so says something new. */
  concerns({ startedMs }: ChosenCall): boolean {
    return startedMs >= this.#untilMs;
  }

  chosen(call: ChosenCall): void {
    if (!this.isSet || this.holds) return;
    this.#trial = call;
    this.#cancel = this.#clock.after(ACCEPTED_MS, () => this.#accepted(call));
  }

  endTrial(): void {
    this.#cancel?.();
    this.#cancel = undefined;
    this.#trial = undefined;
  }

  /** Holds the worker back for a moment. */
  rest(): void {
    this.#set(Math.min(LONGEST_REST_MS, REST_MS * 2 ** this.#times));
  }

  /** Holds back a worker that says it is full. */
  busy(retryAfterMs = 0): void {
    const ms = Math.min(LONGEST_BUSY_MS, REST_MS * 2 ** this.#times);
    this.#set(Math.max(ms, Math.min(LONGEST_RETRY_AFTER_MS, retryAfterMs)));
  }

  eject(reason: string): void {
    if (this.#ejected === undefined && this.#clock.now() - this.#backSinceMs > FORGIVEN_MS) this.#ejections = 0;
    this.#ejected = reason;
    this.#set(Math.min(LONGEST_EJECTION_MS, EJECTION_MS * 2 ** this.#ejections++));
  }

  release(): void {
    if (!this.isSet) return;
    this.endTrial();
    if (this.#ejected !== undefined) this.#backSinceMs = this.#clock.now();
    this.#ejected = undefined;
    this.#untilMs = 0;
    this.#times = 0;
  }

  close(): void {
    this.#cancel?.();
  }

  #set(ms: number): void {
    this.endTrial();
    this.#times++;
    this.#sinceMs = this.#clock.now();
    this.#untilMs = this.#sinceMs + ms;
  }
}
