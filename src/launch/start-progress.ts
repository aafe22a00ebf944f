import { type Capacity, nextCapacity } from './capacity.ts';
import { nextPhase, type Phase } from './phases.ts';
import type { PhaseTimes } from './start-times.ts';

/** How far the start of a server is, as its output tells. */
export class StartProgress {
  readonly #now: () => number;
  #phase: Phase = { name: 'starting' };
  #sinceMs: number;
  #times: PhaseTimes = {};
  #capacity: Capacity = {};

  constructor(now: () => number) {
    this.#now = now;
    this.#sinceMs = now();
  }

  get phase(): Phase {
    return this.#phase;
  }

  /** Milliseconds since the phase began. */
  get inPhaseMs(): number {
    return this.#now() - this.#sinceMs;
  }

  /** How long each phase has taken that is over. */
  get times(): PhaseTimes {
    return this.#times;
  }

  get capacity(): Capacity {
    return this.#capacity;
  }

  /** A line of output. True where it changes the phase or its progress. */
  read(line: string): boolean {
    this.#capacity = nextCapacity(this.#capacity, line);
    return this.advance(nextPhase(this.#phase, line));
  }

  /** False where it is in that phase already. */
  advance(phase: Phase): boolean {
    if (phase === this.#phase) return false;
    if (phase.name !== this.#phase.name) {
      this.#times = { ...this.#times, [this.#phase.name]: this.inPhaseMs };
      this.#sinceMs = this.#now();
    }
    this.#phase = phase;
    return true;
  }
}
