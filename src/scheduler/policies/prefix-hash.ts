import { chosen, scoresOf } from './choice.ts';
import { leastOf } from './pick.ts';
import type { Candidate, Choice, Hints, Policy, Random } from './policy.ts';
import { hashHead } from './prompt-head.ts';
import { Rendezvous } from './rendezvous.ts';

/** How many times its even share of the requests in flight a worker may have. */
const LOAD_FACTOR = 1.25;

/** Sends prompts that begin alike to one worker, until it has more than its share; then to the next. */
export class PrefixHashPolicy implements Policy {
  readonly name = 'prefix_hash';
  readonly reads = 'head';
  readonly #random: Random;
  readonly #rendezvous = new Rendezvous();

  constructor(random: Random = Math.random) {
    this.#random = random;
  }

  pick<C extends Candidate>(candidates: readonly C[], hints: Hints, explain = false): Choice<C> {
    const hash = hashHead(hints.prompt);
    if (hash === undefined) {
      const idlest = leastOf(candidates, this.#random);
      return chosen(idlest, 'no_prompt', explain ? scoresOf(candidates) : undefined);
    }
    const bound = boundOf(candidates);
    const owner = this.#rendezvous.owner(candidates, hash) as C;
    const full = owner.load >= bound;
    // Some worker is always below the bound, as all bounds together exceed the load.
    const taker = full ? (this.#rendezvous.owner(candidates, hash, ({ load }) => load < bound) as C) : owner;
    const score = (candidate: C) => ({ draw: this.#rendezvous.draw(candidate, hash), bound });
    return chosen(taker, full ? 'overflow' : 'prompt', explain ? scoresOf(candidates, score) : undefined);
  }
}

/** Requests in flight that a worker may have when this request is counted too. */
function boundOf(candidates: readonly Candidate[]): number {
  let total = 1;
  for (const { load } of candidates) total += load;
  return Math.ceil((LOAD_FACTOR * total) / candidates.length);
}
