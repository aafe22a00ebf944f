import type { ChosenCall } from './call.ts';
import type { Clock } from './clock.ts';

/** Left alone for a moment: for so long, twice as long each time. */
const REST_MS = 100;
const LONGEST_REST_MS = 3_200;
/** A worker that is full is free again soon, and one that says when is believed within reason. */
const LONGEST_BUSY_MS = 1_000;
const LONGEST_RETRY_AFTER_MS = 10_000;
/** Taken out: for so long, twice as long each time. */
const EJECTION_MS = 5_000;
const LONGEST_EJECTION_MS = 300_000;
/** A worker that was well for so long is taken out as if for the first time. */
const FORGIVEN_MS = 300_000;
/** A call that runs for so long has been accepted. */
const ACCEPTED_MS = 3_000;

/** A worker is left alone for a while. Then one request is let through, the trial; what becomes of that decides how it goes on. */
export class Hold {
  readonly #clock: Clock;
  readonly #accepted: (trial: ChosenCall) => void;
  #sinceMs = 0;
  /** 0 where it is not held back. */
  #untilMs = 0;
  #times = 0;
  #ejections = 0;
  #backSinceMs = Number.NEGATIVE_INFINITY;
  #ejected: string | undefined;
  #trial: ChosenCall | undefined;
  #cancel: (() => void) | undefined;

  /** `accepted` is told of a trial that runs for so long that it was not refused. */
  constructor(clock: Clock, accepted: (trial: ChosenCall) => void) {
    this.#clock = clock;
    this.#accepted = accepted;
  }

  /** It has begun and not ended, though the trial may be due. */
  get isSet(): boolean {
    return this.#untilMs !== 0;
  }

  /** No request should be sent there now. */
  get holds(): boolean {
    return this.isSet && (this.#trial !== undefined || this.#clock.now() < this.#untilMs);
  }

  get sinceMs(): number {
    return this.#sinceMs;
  }

  get leftMs(): number {
    return Math.max(0, this.#untilMs - this.#clock.now());
  }

  /** Why it was taken out; undefined where it is but left alone for a moment, or not held back. */
  get ejected(): string | undefined {
    return this.#ejected;
  }

  isTrial(call: ChosenCall): boolean {
    return call === this.#trial;
  }

  /** False for a call that was sent before: it says nothing new. */
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

  /** For a moment. */
  rest(): void {
    this.#set(Math.min(LONGEST_REST_MS, REST_MS * 2 ** this.#times));
  }

  /** It says that it is full. */
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
