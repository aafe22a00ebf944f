import { GrowingInts } from './growing-ints.ts';

/** One row: the block's hash, the next row of its bucket, the first worker entry, how many there are. */
const LO = 0;
const HI = 1;
const NEXT = 2;
const HEAD = 3;
const COUNT = 4;
const STRIDE = 5;

/** Stands for "no row": row 0 is never used. */
export const NONE = 0;

/**
 * Block hash → row, in two arrays. Buckets are split one at a time as rows are added (linear hashing), so that
 * growing never stops the world to place millions of rows anew.
 */
export class NodeTable {
  readonly #rows = new GrowingInts();
  readonly #buckets = new GrowingInts();
  /** Buckets below `#split` already use one more bit of the hash than the rest. */
  #mask = 511;
  #split = 0;
  #next = 1;
  #free = NONE;

  constructor() {
    this.#buckets.reserve(this.#mask + 1);
  }

  get bytes(): number {
    return this.#rows.bytes + this.#buckets.bytes;
  }

  /** The row of that hash, NONE without one. */
  find(lo: number, hi: number): number {
    const rows = this.#rows;
    let row = this.#buckets.get(this.#bucketOf(lo));
    while (row !== NONE) {
      const at = row * STRIDE;
      if (rows.get(at + LO) === lo && rows.get(at + HI) === hi) return row;
      row = rows.get(at + NEXT);
    }
    return NONE;
  }

  /** A new row for a hash that has none. */
  add(lo: number, hi: number): number {
    const row = this.#claim();
    const bucket = this.#bucketOf(lo);
    const at = row * STRIDE;
    this.#rows.set(at + LO, lo);
    this.#rows.set(at + HI, hi);
    this.#rows.set(at + NEXT, this.#buckets.get(bucket));
    this.#rows.set(at + HEAD, NONE);
    this.#rows.set(at + COUNT, 0);
    this.#buckets.set(bucket, row);
    this.#splitBucket();
    return row;
  }

  remove(row: number): void {
    const rows = this.#rows;
    const bucket = this.#bucketOf(rows.get(row * STRIDE + LO));
    const next = rows.get(row * STRIDE + NEXT);
    if (this.#buckets.get(bucket) === row) this.#buckets.set(bucket, next);
    else {
      let before = this.#buckets.get(bucket);
      while (rows.get(before * STRIDE + NEXT) !== row) before = rows.get(before * STRIDE + NEXT);
      rows.set(before * STRIDE + NEXT, next);
    }
    rows.set(row * STRIDE + NEXT, this.#free);
    this.#free = row;
  }

  /** First worker entry of the row. */
  head(row: number): number {
    return this.#rows.get(row * STRIDE + HEAD);
  }

  /** Worker entries of the row. */
  count(row: number): number {
    return this.#rows.get(row * STRIDE + COUNT);
  }

  /** Sets the row's first worker entry and changes the number of entries. */
  setHead(row: number, head: number, change: number): void {
    this.#rows.set(row * STRIDE + HEAD, head);
    this.#rows.set(row * STRIDE + COUNT, this.count(row) + change);
  }

  #bucketOf(lo: number): number {
    const bucket = lo & this.#mask;
    return bucket < this.#split ? lo & (2 * this.#mask + 1) : bucket;
  }

  #claim(): number {
    const row = this.#free;
    if (row !== NONE) {
      this.#free = this.#rows.get(row * STRIDE + NEXT);
      return row;
    }
    this.#rows.reserve((this.#next + 1) * STRIDE);
    return this.#next++;
  }

  /** Splits one bucket while there are fewer buckets than rows. */
  #splitBucket(): void {
    const size = this.#mask + 1;
    if (size + this.#split >= this.#next) return;
    const rows = this.#rows;
    this.#buckets.reserve(size + this.#split + 1);
    let row = this.#buckets.get(this.#split);
    let low = NONE;
    let high = NONE;
    while (row !== NONE) {
      const at = row * STRIDE;
      const next = rows.get(at + NEXT);
      const isHigh = (rows.get(at + LO) & size) !== 0;
      rows.set(at + NEXT, isHigh ? high : low);
      if (isHigh) high = row;
      else low = row;
      row = next;
    }
    this.#buckets.set(this.#split, low);
    this.#buckets.set(this.#split + size, high);
    if (++this.#split < size) return;
    this.#split = 0;
    this.#mask = 2 * size - 1;
  }
}
