import type { Candidate, Policy, Random } from './policy.ts';

/** Every worker with the same chance. */
export class RandomPolicy implements Policy {
  readonly name = 'random';
  readonly #random: Random;

  constructor(random: Random = Math.random) {
    this.#random = random;
  }

  pick<C extends Candidate>(candidates: readonly C[]): C {
    return candidates[Math.floor(this.#random() * candidates.length)] as C;
  }
}
