import { chosen, scoresOf } from './choice.ts';
import type { Candidate, Choice, Hints, Policy } from './policy.ts';
import { Turns } from './turns.ts';

/** Picks workers in turn: the candidate that was picked longest ago. */
export class RoundRobinPolicy implements Policy {
  readonly name = 'round_robin';
  readonly #turns = new Turns();

  pick<C extends Candidate>(candidates: readonly C[], _hints: Hints, explain = false): Choice<C> {
    let best = candidates[0] as C;
    for (const candidate of candidates) if (this.#turns.last(candidate) < this.#turns.last(best)) best = candidate;
    this.#turns.picked(best);
    return chosen(best, 'turn', explain ? scoresOf(candidates) : undefined);
  }

  removed(candidate: Candidate): void {
    this.#turns.removed(candidate);
  }
}
