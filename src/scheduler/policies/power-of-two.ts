import { chosen, scoresOf } from './choice.ts';
import type { Candidate, Choice, Hints, Now, Policy, Random, WorkerFacts } from './policy.ts';
import { ReportedLoad } from './reported-load.ts';

/** Picks the less loaded of two random workers: nearly as even as comparing all, without a herd to the least loaded. */
export class PowerOfTwoPolicy implements Policy {
  readonly name = 'power_of_two';
  readonly followsLoad = true;
  readonly #random: Random;
  readonly #reported: ReportedLoad;

  constructor(random: Random = Math.random, now: Now = () => performance.now()) {
    this.#random = random;
    this.#reported = new ReportedLoad(now);
  }

  pick<C extends Candidate>(candidates: readonly C[], _hints: Hints, explain = false): Choice<C> {
    const count = candidates.length;
    const first = Math.floor(this.#random() * count);
    const step = 1 + Math.floor(this.#random() * (count - 1));
    const pair = [candidates[first] as C, candidates[(first + step) % count] as C] as const;
    const scores = explain ? scoresOf(pair, (candidate) => this.#reported.score(candidate)) : undefined;
    return chosen(this.#lighter(...pair), 'less_loaded', scores);
  }

  learned(candidate: Candidate, facts: WorkerFacts): void {
    this.#reported.learned(candidate, facts);
  }

  removed(candidate: Candidate): void {
    this.#reported.removed(candidate);
  }

  /** Compares by counts and reports where both workers have reported, else by counts alone. */
  #lighter<C extends Candidate>(a: C, b: C): C {
    const [beyondA, beyondB] = [this.#reported.beyond(a), this.#reported.beyond(b)];
    const known = beyondA !== undefined && beyondB !== undefined;
    return a.load + (known ? beyondA : 0) <= b.load + (known ? beyondB : 0) ? a : b;
  }
}
