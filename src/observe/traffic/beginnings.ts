import type { Blocks } from '../../scheduler/index/blocks.ts';

/** Remembered pieces of prompts: with pieces of 64 bytes some 16 million tokens, 12 MB. */
const SLOTS = 2 ** 20;
/** Requests whose length is remembered. */
const ROWS = 2 ** 16;

/** Where a prompt stands among those before it. */
export interface Place {
  /** Counts the requests. */
  readonly id: number;
  /** The latest request that begins with as many of the same pieces; undefined where none begins with one. */
  readonly parent: number | undefined;
  /** Pieces that both begin with. */
  readonly shared: number;
  /** Bytes of the parent, where it is remembered. */
  readonly parentBytes: number | undefined;
  /** Hash of the last of its pieces, that after the last whole one included. */
  readonly parentEnd: Hash | undefined;
}

export interface Hash {
  readonly lo: number;
  readonly hi: number;
}

/** Which of the latest requests begin alike: a piece of a prompt is a hash of it and all before it, at a place that its hash gives; what was there before is forgotten. */
export class Beginnings {
  readonly #tags = new Int32Array(SLOTS);
  readonly #owners = new Float64Array(SLOTS);
  readonly #ids = new Float64Array(ROWS);
  readonly #bytes = new Int32Array(ROWS);
  readonly #lo = new Int32Array(ROWS);
  readonly #hi = new Int32Array(ROWS);
  #count = 0;

  /** Finds the place of a prompt in `whole` whole pieces and remembers it. */
  add(blocks: Blocks, whole: number): Place {
    const id = ++this.#count;
    const place = this.#find(id, blocks, whole);
    for (let i = 0; i < whole; i++) {
      const slot = (blocks.lo[i] as number) & (SLOTS - 1);
      this.#tags[slot] = blocks.hi[i] as number;
      this.#owners[slot] = id;
    }
    const row = id % ROWS;
    this.#ids[row] = id;
    this.#bytes[row] = blocks.bytes;
    this.#lo[row] = blocks.lo[blocks.count - 1] as number;
    this.#hi[row] = blocks.hi[blocks.count - 1] as number;
    return place;
  }

  /** From the end, since an earlier piece may be forgotten. */
  #find(id: number, { lo, hi }: Blocks, whole: number): Place {
    for (let i = whole - 1; i >= 0; i--) {
      const slot = (lo[i] as number) & (SLOTS - 1);
      const parent = this.#owners[slot] as number;
      if (parent === 0 || this.#tags[slot] !== hi[i]) continue;
      const row = parent % ROWS;
      const isRemembered = this.#ids[row] === parent;
      return {
        ...{ id, parent, shared: i + 1 },
        parentBytes: isRemembered ? this.#bytes[row] : undefined,
        parentEnd: isRemembered ? { lo: this.#lo[row] as number, hi: this.#hi[row] as number } : undefined,
      };
    }
    return { id, parent: undefined, shared: 0, parentBytes: undefined, parentEnd: undefined };
  }
}
