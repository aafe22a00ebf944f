import { hashText } from '../index/hash.ts';
import { chosen, scoresOf } from './choice.ts';
import { anyOf } from './pick.ts';
import type { Candidate, Choice, Hints, Policy, Random } from './policy.ts';
import { hashHead } from './prompt-head.ts';
import { Rendezvous } from './rendezvous.ts';

/** Sends every session, or every beginning of a prompt, to one worker, whatever the load; other requests go at random. */
export class ConsistentHashingPolicy implements Policy {
  readonly name = 'consistent_hashing';
  readonly reads = 'head';
  readonly #random: Random;
  readonly #rendezvous = new Rendezvous();

  constructor(random: Random = Math.random) {
    this.#random = random;
  }

  pick<C extends Candidate>(candidates: readonly C[], hints: Hints, explain = false): Choice<C> {
    const hash = hints.key ? hashText(hints.key) : hashHead(hints.prompt);
    if (hash === undefined) {
      return chosen(anyOf(candidates, this.#random), 'no_key', explain ? scoresOf(candidates) : undefined);
    }
    const draws = (candidate: C) => ({ draw: this.#rendezvous.draw(candidate, hash) });
    const owner = this.#rendezvous.owner(candidates, hash) as C;
    return chosen(owner, hints.key ? 'key' : 'prompt', explain ? scoresOf(candidates, draws) : undefined);
  }
}
