import type { RouterError } from '../errors/errors.ts';
import { idle, noFirstByte, quiet, tooLong } from '../errors/timeouts.ts';

/** How long the phases of a call may take; 0 lifts a limit. */
export interface Timeouts {
  /** Limit for the whole request, over all its attempts. */
  readonly requestTimeoutMs: number;
  /** Limit from the call to the first byte of the answer's body. */
  readonly firstByteTimeoutMs: number;
  /** Limit between two chunks of an answer. */
  readonly streamIdleTimeoutMs: number;
}

/** The call that is watched. */
interface Watched {
  readonly url: string;
  readonly startedMs: number;
  readonly waiting: boolean;
  readonly paused: boolean;
}

/** Checks per idle time-out, so that a stream ends at most a quarter too late. */
const LOOKS = 4;
/** Longest silence of a worker after a tunnel's client stopped sending: a killed client looks the same, and must not keep the tunnel. */
const HALF_CLOSED_MS = 30_000;

/** The time-outs of one call, with one timer that no chunk touches: chunks are counted, and the timer looks at the count. */
export class Deadlines {
  /** Number of chunks that have come. */
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

  /** `endMs` is when the whole request times out, by `performance.now()`. */
  constructor(call: Watched, timeouts: Timeouts, endMs: number, expired: (error: RouterError) => void) {
    this.#call = call;
    this.#timeouts = timeouts;
    this.#endMs = endMs;
    this.#idleMs = timeouts.streamIdleTimeoutMs;
    this.#expired = expired;
    this.#arm(call.startedMs);
  }

  /** Replaces all time-outs by one of `ms`. */
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
