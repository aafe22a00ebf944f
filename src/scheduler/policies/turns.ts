import type { Candidate } from './policy.ts';

/** Remembers when each worker was picked, so that among equals the least recent gets its turn. */
export class Turns {
  /** By slot. A mere counter would give two models asked in turn every other worker only. */
  readonly #pickedAt: number[] = [];
  #turn = 0;

  /** Number of the last pick; 0 where there was none. */
  last({ slot }: Candidate): number {
    return this.#pickedAt[slot] ?? 0;
  }

  picked({ slot }: Candidate): void {
    this.#pickedAt[slot] = ++this.#turn;
  }

  removed({ slot }: Candidate): void {
    this.#pickedAt[slot] = 0;
  }
}
