import type { EngineClock } from '../../sim/engine-clock.ts';
import type { Time } from '../drive.ts';

interface Alarm {
  readonly atMs: number;
  /** Of equal times the least rings first. */
  readonly number: number;
  readonly ring: () => void;
}

/** Time that passes as fast as what happens in it can be computed: when all is done that is to be done now, it is the time of the next alarm. */
export class VirtualTime implements EngineClock, Time {
  #nowMs = 0;
  /** A heap: the parent of `i` is at `(i - 1) / 2`, and not later. */
  readonly #alarms: Alarm[] = [];
  #set = 0;
  /** What has waited goes on with the next turn of the event loop. */
  #awaited = true;

  now(): number {
    return this.#nowMs;
  }

  epochMs(): number {
    return this.#nowMs;
  }

  alarm(atMs: number, ring: () => void): void {
    const heap = this.#alarms;
    heap.push({ atMs: Math.max(atMs, this.#nowMs), ring, number: this.#set++ });
    for (let i = heap.length - 1; i > 0; ) {
      const parent = (i - 1) >> 1;
      if (!this.#swapUnlessBefore(parent, i)) break;
      i = parent;
    }
  }

  pause(ms: number): Promise<void> {
    return new Promise((resolve) => this.alarm(this.#nowMs + ms, () => this.resume(resolve)));
  }

  /** Lets what waits for a promise go on. */
  resume(resolve: () => void): void {
    this.#awaited = true;
    resolve();
  }

  /** Lets time pass until `work` is done, or stopped. */
  async run<T>(work: Promise<T>, stopped: AbortSignal): Promise<T | undefined> {
    let done = false;
    const end = () => {
      done = true;
    };
    work.then(end, end);
    while (!done && !stopped.aborted) {
      if (this.#awaited) {
        this.#awaited = false;
        await new Promise((resolve) => setImmediate(resolve));
      } else {
        const alarm = this.#next();
        if (!alarm) throw new Error('nothing happens any more, and the work is not done');
        this.#nowMs = alarm.atMs;
        alarm.ring();
      }
    }
    return done ? await work : undefined;
  }

  #next(): Alarm | undefined {
    const heap = this.#alarms;
    const first = heap[0];
    const last = heap.pop();
    if (!last || heap.length === 0) return last;
    heap[0] = last;
    for (let i = 0; ; ) {
      const left = 2 * i + 1;
      if (left >= heap.length) return first;
      const child = left + 1 < heap.length && this.#isBefore(left + 1, left) ? left + 1 : left;
      if (!this.#swapUnlessBefore(i, child)) return first;
      i = child;
    }
  }

  #swapUnlessBefore(parent: number, child: number): boolean {
    if (this.#isBefore(parent, child)) return false;
    const heap = this.#alarms;
    [heap[parent], heap[child]] = [heap[child] as Alarm, heap[parent] as Alarm];
    return true;
  }

  #isBefore(a: number, b: number): boolean {
    const one = this.#alarms[a] as Alarm;
    const other = this.#alarms[b] as Alarm;
    return one.atMs < other.atMs || (one.atMs === other.atMs && one.number < other.number);
  }
}
