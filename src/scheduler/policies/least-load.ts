import { chosen, scoresOf } from './choice.ts';
import type { Candidate, Choice, Hints, Now, Policy, WorkerFacts } from './policy.ts';
import { ReportedLoad } from './reported-load.ts';
import { Turns } from './turns.ts';

/** Picks the least loaded worker; among equals the one that was picked longest ago. */
export class LeastLoadPolicy implements Policy {
  readonly name = 'least_load';
  readonly followsLoad = true;
  readonly #now: Now;
  readonly #reported: ReportedLoad;
  readonly #turns = new Turns();

  constructor(now: Now = () => performance.now()) {
    this.#now = now;
    this.#reported = new ReportedLoad(now);
  }

  pick<C extends Candidate>(candidates: readonly C[], _hints: Hints, explain = false): Choice<C> {
    const nowMs = this.#now();
    const unknown = this.#mean(candidates, nowMs);
    let best = candidates[0] as C;
    let lowest = Number.POSITIVE_INFINITY;
    for (const candidate of candidates) {
      const load = candidate.load + (this.#reported.beyond(candidate, nowMs) ?? unknown);
      if (load > lowest || (load === lowest && this.#turns.last(candidate) >= this.#turns.last(best))) continue;
      best = candidate;
      lowest = load;
    }
    this.#turns.picked(best);
    const scores = explain ? scoresOf(candidates, (candidate) => this.#reported.score(candidate)) : undefined;
    return chosen(best, 'least_loaded', scores);
  }

  learned(candidate: Candidate, facts: WorkerFacts): void {
    this.#reported.learned(candidate, facts);
  }

  removed(candidate: Candidate): void {
    this.#reported.removed(candidate);
    this.#turns.removed(candidate);
  }

  /** The average of all reports, which stands in for workers without one. */
  #mean(candidates: readonly Candidate[], nowMs: number): number {
    let sum = 0;
    let known = 0;
    for (const candidate of candidates) {
      const beyond = this.#reported.beyond(candidate, nowMs);
      if (beyond === undefined) continue;
      sum += beyond;
      known++;
    }
    return known === 0 ? 0 : sum / known;
  }
}
