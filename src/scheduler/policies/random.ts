import { chosen, scoresOf } from './choice.ts';
import { anyOf } from './pick.ts';
import type { Candidate, Choice, Hints, Policy, Random } from './policy.ts';

/** Picks any worker at random. */
export class RandomPolicy implements Policy {
  readonly name = 'random';
  readonly #random: Random;

  constructor(random: Random = Math.random) {
    this.#random = random;
  }

  pick<C extends Candidate>(candidates: readonly C[], _hints: Hints, explain = false): Choice<C> {
    return chosen(anyOf(candidates, this.#random), 'random', explain ? scoresOf(candidates) : undefined);
  }
}
