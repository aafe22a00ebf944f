import type { RouterError } from '../errors/errors.ts';
import { idle, noFirstByte, quiet, tooLong } from '../errors/timeouts.ts';

/** How long the phases of a call may take; 0 lifts a limit. */
export interface Timeouts {
  /** The whole request, over all its attempts. */
  readonly requestTimeoutMs: number;
  /** From the call to the first byte of the answer's body. */
  readonly firstByteTimeoutMs: number;
  /** Between two chunks of an answer. */
  readonly streamIdleTimeoutMs: number;
}

/** The call that is watched. */
interface Watched {
  readonly url: string;
  readonly startedMs: number;
  readonly waiting: boolean;
  readonly paused: boolean;
}

/** Looks at a stream within its idle time-out: it ends it at most a quarter too late. */
const LOOKS = 4;
/** For so long a worker may say nothing to a client that sends no more: where the client was killed, a worker that overlooks it would keep the tunnel for ever. */
const HALF_CLOSED_MS = 30_000;

/** The time-outs of one call by one timer, which a chunk never touches: it counts, and the timer looks whether the count has moved. */
export class Deadlines {
  /** Chunks that have come. */
  chunks = 0;
  readonly #call: Watched;
  readonly #timeouts: Timeouts;
  #endMs: number;
  readonly #expired: (error: RouterError) => void;
  #timer: NodeJS.Timeout | undefined;
  #idleMs: number;
  #seen = 0;
  #stillLooks = 0;
  #isTunnel = false;

  /** `endMs`: when the whole request is over, on the clock of `performance.now()`. */
  constructor(call: Watched, timeouts: Timeouts, endMs: number, expired: (error: RouterError) => void) {
    this.#call = call;
    this.#timeouts = timeouts;
    this.#endMs = endMs;
    this.#idleMs = timeouts.streamIdleTimeoutMs;
    this.#expired = expired;
    this.#arm(call.startedMs);
  }

  /** Nothing of this is of interest any more, but one thing must not take longer than `ms`. */
  allow(ms: number, expired: () => void): void {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(expired, ms);
  }

  /** The call has become a tunnel: only silence in both directions ends it. */
  tunnel(): void {
    this.#isTunnel = true;
    this.#endMs = Number.POSITIVE_INFINITY;
    this.#restart();
  }

  /** The client of a tunnel sends no more. */
  clientEnded(): void {
    if (!this.#isTunnel) return;
    this.#idleMs = this.#idleMs > 0 ? Math.min(this.#idleMs, HALF_CLOSED_MS) : HALF_CLOSED_MS;
    this.#restart();
  }

  clear(): void {
    this.#isTunnel = false;
    clearTimeout(this.#timer);
  }

  #restart(): void {
    clearTimeout(this.#timer);
    this.#stillLooks = 0;
    this.#arm(performance.now());
  }

  #arm(nowMs: number): void {
    const { firstByteTimeoutMs } = this.#timeouts;
    let atMs = this.#endMs;
    if (this.#call.waiting && firstByteTimeoutMs > 0) {
      atMs = Math.min(atMs, this.#call.startedMs + firstByteTimeoutMs);
    }
    if (this.#idleMs > 0) atMs = Math.min(atMs, nowMs + this.#idleMs / LOOKS);
    if (atMs === Number.POSITIVE_INFINITY) return;
    this.#timer = setTimeout(() => this.#look(), Math.max(1, atMs - nowMs));
  }

  #look(): void {
    const nowMs = performance.now();
    const { url, waiting, startedMs } = this.#call;
    const { requestTimeoutMs, firstByteTimeoutMs } = this.#timeouts;
    if (nowMs >= this.#endMs) this.#expired(tooLong(url, requestTimeoutMs));
    else if (waiting && firstByteTimeoutMs > 0 && nowMs >= startedMs + firstByteTimeoutMs) {
      this.#expired(noFirstByte(url, firstByteTimeoutMs));
    } else if (this.#idleMs > 0 && this.#isIdle()) {
      this.#expired(this.#isTunnel ? quiet(url, this.#idleMs) : idle(url, this.#idleMs));
    } else this.#arm(nowMs);
  }

  #isIdle(): boolean {
    const held = !this.#isTunnel && (this.#call.waiting || this.#call.paused);
    const moved = this.chunks !== this.#seen || held;
    this.#seen = this.chunks;
    this.#stillLooks = moved ? 0 : this.#stillLooks + 1;
    return this.#stillLooks >= LOOKS;
  }
}
