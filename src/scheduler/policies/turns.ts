import type { Candidate } from './policy.ts';

/** Who was picked when, so that among equals it is the turn of who was picked longest ago. */
export class Turns {
  /** By slot. A counter over the candidates alone would give one of two models that are asked in turn every other worker. */
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
