import type { Clock } from '../../src/fleet/clock.ts';
import type { EngineClock } from '../../src/sim/engine-clock.ts';

/** A clock that stands still until it is told to move; alarms ring on the way, at their exact time. */
export class VirtualClock implements Clock, EngineClock {
  #now = 0;
  #alarms: { atMs: number; ring: () => void }[] = [];
  /** How late every alarm rings. */
  lateMs = 0;

  now(): number {
    return this.#now;
  }

  epochMs(): number {
    return 1_800_000_000_000 + this.#now;
  }

  alarm(atMs: number, ring: () => void): void {
    this.#alarms.push({ atMs: Math.max(this.#now, atMs + this.lateMs), ring });
  }

  after(ms: number, ring: () => void): () => void {
    const alarm = { atMs: this.#now + ms, ring };
    this.#alarms.push(alarm);
    return () => {
      this.#alarms = this.#alarms.filter((each) => each !== alarm);
    };
  }

  /** Alarms that have not rung. */
  get pending(): number {
    return this.#alarms.length;
  }

  /** Moves on by `ms`. */
  advance(ms: number): void {
    const until = this.#now + ms;
    for (let next = this.#next(until); next; next = this.#next(until)) {
      this.#alarms.splice(this.#alarms.indexOf(next), 1);
      this.#now = next.atMs;
      next.ring();
    }
    this.#now = until;
  }

  #next(until: number) {
    const due = this.#alarms.filter(({ atMs }) => atMs <= until);
    return due.length === 0 ? undefined : due.reduce((a, b) => (b.atMs < a.atMs ? b : a));
  }
}
