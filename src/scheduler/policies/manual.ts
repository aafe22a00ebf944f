import { hashText } from '../index/hash.ts';
import { chosen, scoresOf } from './choice.ts';
import { anyOf, leastOf } from './pick.ts';
import type { Candidate, Choice, Hints, Now, Policy, Random } from './policy.ts';
import { Rendezvous } from './rendezvous.ts';
import { StickyKeys, type StickyOptions } from './sticky-keys.ts';

/** How a new key gets its worker: any, drawn by the key's hash so that all routers draw the same, the one with the fewest requests in flight, the one with the fewest keys. */
export type AssignmentMode = 'random' | 'min_load' | 'min_group';

export interface ManualOptions extends StickyOptions {
  readonly assignmentMode: AssignmentMode;
}

/** Keeps every routing key on the worker of its first request, while that is available. */
export class ManualPolicy implements Policy {
  readonly name = 'manual';
  readonly #mode: AssignmentMode;
  readonly #random: Random;
  readonly #keys: StickyKeys;
  readonly #rendezvous = new Rendezvous();

  constructor(options: ManualOptions, random: Random = Math.random, now: Now = () => performance.now()) {
    this.#mode = options.assignmentMode;
    this.#random = random;
    this.#keys = new StickyKeys(options, now);
  }

  pick<C extends Candidate>(candidates: readonly C[], { key }: Hints, explain = false): Choice<C> {
    const scores = explain ? scoresOf(candidates, (candidate) => ({ keys: this.#keys.keysOn(candidate) })) : undefined;
    // A request without a key joins no group: counting keys would pick the same worker each time.
    if (!key)
      return chosen(this.#assign(candidates, this.#mode === 'random' ? 'random' : 'min_load'), 'no_key', scores);
    const remembered = this.#keys.recall(key, candidates);
    if (remembered) return chosen(remembered, 'remembered', scores);
    const assigned =
      this.#mode === 'random'
        ? (this.#rendezvous.owner(candidates, hashText(key)) as C)
        : this.#assign(candidates, this.#mode);
    this.#keys.assign(key, assigned);
    return chosen(assigned, 'assigned', scores);
  }

  keysOn(candidate: Pick<Candidate, 'url'>): number {
    return this.#keys.keysOn(candidate);
  }

  evict(): void {
    this.#keys.forget();
  }

  #assign<C extends Candidate>(candidates: readonly C[], mode: AssignmentMode): C {
    if (mode === 'random') return anyOf(candidates, this.#random);
    if (mode === 'min_load') return leastOf(candidates, this.#random);
    return leastOf(candidates, this.#random, (candidate) => this.#keys.keysOn(candidate));
  }
}
