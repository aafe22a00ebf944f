import type { Blocks } from '../../scheduler/index/blocks.ts';

/** Remembered pieces of prompts: with pieces of 64 bytes some 16 million tokens, 12 MB. */
const SLOTS = 2 ** 20;

/** The request that a prompt shares its beginning with. */
interface Sharer {
  readonly id: number;
  /** Pieces that both begin with. */
  readonly pieces: number;
}

/** Which of the latest requests begin alike: a piece of a prompt is a hash of it and all before it, at a place that its hash gives; what was there before is forgotten. */
export class Beginnings {
  readonly #tags = new Int32Array(SLOTS);
  readonly #owners = new Float64Array(SLOTS);

  /** The latest request that begins with as many of the same pieces. From the end, since an earlier piece may be forgotten. */
  find({ lo, hi }: Blocks, whole: number): Sharer | undefined {
    for (let i = whole - 1; i >= 0; i--) {
      const slot = (lo[i] as number) & (SLOTS - 1);
      const owner = this.#owners[slot] as number;
      if (owner !== 0 && this.#tags[slot] === hi[i]) return { id: owner, pieces: i + 1 };
    }
    return undefined;
  }

  /** Remembers the whole pieces of a request. */
  add(id: number, { lo, hi }: Blocks, whole: number): void {
    for (let i = 0; i < whole; i++) {
      const slot = (lo[i] as number) & (SLOTS - 1);
      this.#tags[slot] = hi[i] as number;
      this.#owners[slot] = id;
    }
  }
}
