import { chosen, scoresOf } from './choice.ts';
import type { Candidate, Choice, Hints, Policy } from './policy.ts';

/** Workers in order, one after another: of those that may be asked, who was picked longest ago. */
export class RoundRobinPolicy implements Policy {
  readonly name = 'round_robin';
  /** By slot: the turn in which the worker was picked last. A counter alone would give one of two models that are asked in turn every other worker. */
  readonly #pickedAt: number[] = [];
  #turn = 0;

  pick<C extends Candidate>(candidates: readonly C[], _hints: Hints, explain = false): Choice<C> {
    let best = candidates[0] as C;
    for (const candidate of candidates) if (this.#lastPick(candidate) < this.#lastPick(best)) best = candidate;
    this.#pickedAt[best.slot] = ++this.#turn;
    return chosen(best, 'turn', explain ? scoresOf(candidates) : undefined);
  }

  removed({ slot }: Candidate): void {
    this.#pickedAt[slot] = 0;
  }

  #lastPick({ slot }: Candidate): number {
    return this.#pickedAt[slot] ?? 0;
  }
}
