import { hashText, mix32 } from '../index/hash.ts';
import type { Candidate } from './policy.ts';

/**
 * Assigns hashes to workers by rendezvous hashing: each worker draws a number from the hash and its URL, and the highest wins. When a
 * worker leaves, only its own hashes move, evenly to all others; routers that know the same workers agree.
 */
export class Rendezvous {
  /** By slot: the URL whose hash is cached. */
  readonly #urls: string[] = [];
  readonly #hashes: number[] = [];

  /** The candidate that `hash` belongs to among those that `may` have it; undefined when none may. */
  owner<C extends Candidate>(candidates: readonly C[], hash: number, may?: (candidate: C) => boolean): C | undefined {
    let owner: C | undefined;
    let highest = -1;
    for (const candidate of candidates) {
      const draw = this.draw(candidate, hash);
      if (draw <= highest || (may && !may(candidate))) continue;
      owner = candidate;
      highest = draw;
    }
    return owner;
  }

  /** The number that a worker draws for `hash`. */
  draw({ slot, url }: Candidate, hash: number): number {
    if (this.#urls[slot] !== url) {
      this.#urls[slot] = url;
      this.#hashes[slot] = hashText(url);
    }
    return mix32(hash ^ (this.#hashes[slot] as number));
  }
}
