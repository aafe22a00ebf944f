import type { WaitingCall } from './call.ts';
import type { Clock } from './clock.ts';
import { LinkedList } from './linked-list.ts';

/** A first byte that came. */
export interface FirstByte {
  readonly sentMs: number;
  readonly atMs: number;
  readonly streams: boolean;
  readonly bodyBytes: number;
}

/** Number of first bytes that are remembered per server. */
const REMEMBERED = 32;

/** Unanswered calls of a server, and how soon it answered lately. */
export class FirstBytes {
  readonly #clock: Clock;
  readonly #waiting = new LinkedList<WaitingCall>();
  readonly #recent: FirstByte[] = [];
  #next = 0;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Calls that wait for their first byte, the longest waiting first. */
  get waiting(): Pick<LinkedList<WaitingCall>, 'first' | 'has' | 'length' | typeof Symbol.iterator> {
    return this.#waiting;
  }

  /** The latest first bytes, in no order. */
  get recent(): readonly FirstByte[] {
    return this.#recent;
  }

  waits(call: WaitingCall): void {
    this.#waiting.add(call);
  }

  waitsNoMore(call: WaitingCall, answered: boolean): void {
    if (!this.#waiting.remove(call) || !answered) return;
    const { startedMs, streams, bodyBytes } = call;
    this.#recent[this.#next] = { sentMs: startedMs, atMs: this.#clock.now(), streams, bodyBytes };
    this.#next = (this.#next + 1) % REMEMBERED;
  }

  /** Ends every call that waits. */
  abandon(reason: string): void {
    for (const call of [...this.#waiting]) {
      this.#waiting.remove(call);
      call.abandon(reason);
    }
  }
}
