import { chosen, scoresOf } from './choice.ts';
import type { Candidate, Choice, Hints, Policy } from './policy.ts';

/** Workers in order, one after another. */
export class RoundRobinPolicy implements Policy {
  readonly name = 'round_robin';
  #turn = 0;

  pick<C extends Candidate>(candidates: readonly C[], _hints: Hints, explain = false): Choice<C> {
    const candidate = candidates[this.#turn % candidates.length] as C;
    this.#turn = (this.#turn + 1) % Number.MAX_SAFE_INTEGER;
    return chosen(candidate, 'turn', explain ? scoresOf(candidates) : undefined);
  }
}
