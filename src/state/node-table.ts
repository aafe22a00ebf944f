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
 * Block hash → row, in two flat arrays. Buckets are split one at a time as rows are added (linear hashing), so that
 * growing never stops the world to place millions of rows anew.
 */
export class NodeTable {
  #rows = new Int32Array(1024 * STRIDE);
  #buckets = new Int32Array(1024);
  /** Buckets below `#split` are already told apart by one more bit of the hash than the rest. */
  #mask = 511;
  #split = 0;
  #next = 1;
  #free = NONE;

  get bytes(): number {
    return this.#rows.byteLength + this.#buckets.byteLength;
  }

  /** The row of that hash, NONE without one. */
  find(lo: number, hi: number): number {
    const rows = this.#rows;
    let row = this.#buckets[this.#bucketOf(lo)] as number;
    while (row !== NONE) {
      const at = row * STRIDE;
      if (rows[at + LO] === lo && rows[at + HI] === hi) return row;
      row = rows[at + NEXT] as number;
    }
    return NONE;
  }

  /** A new row for a hash that has none. */
  add(lo: number, hi: number): number {
    const row = this.#claim();
    const bucket = this.#bucketOf(lo);
    const at = row * STRIDE;
    this.#rows[at + LO] = lo;
    this.#rows[at + HI] = hi;
    this.#rows[at + NEXT] = this.#buckets[bucket] as number;
    this.#rows[at + HEAD] = NONE;
    this.#rows[at + COUNT] = 0;
    this.#buckets[bucket] = row;
    this.#splitBucket();
    return row;
  }

  remove(row: number): void {
    const rows = this.#rows;
    const bucket = this.#bucketOf(rows[row * STRIDE + LO] as number);
    const next = rows[row * STRIDE + NEXT] as number;
    if (this.#buckets[bucket] === row) this.#buckets[bucket] = next;
    else {
      let before = this.#buckets[bucket] as number;
      while (rows[before * STRIDE + NEXT] !== row) before = rows[before * STRIDE + NEXT] as number;
      rows[before * STRIDE + NEXT] = next;
    }
    rows[row * STRIDE + NEXT] = this.#free;
    this.#free = row;
  }

  /** First worker entry of the row. */
  head(row: number): number {
    return this.#rows[row * STRIDE + HEAD] as number;
  }

  /** Worker entries of the row. */
  count(row: number): number {
    return this.#rows[row * STRIDE + COUNT] as number;
  }

  /** Sets the first worker entry and changes their number. */
  setHead(row: number, head: number, change: number): void {
    this.#rows[row * STRIDE + HEAD] = head;
    this.#rows[row * STRIDE + COUNT] = this.count(row) + change;
  }

  #bucketOf(lo: number): number {
    const bucket = lo & this.#mask;
    return bucket < this.#split ? lo & (2 * this.#mask + 1) : bucket;
  }

  #claim(): number {
    const row = this.#free;
    if (row !== NONE) {
      this.#free = this.#rows[row * STRIDE + NEXT] as number;
      return row;
    }
    if ((this.#next + 1) * STRIDE > this.#rows.length) this.#rows = doubled(this.#rows);
    return this.#next++;
  }

  /** One bucket more while there are fewer than rows; its upper half moves there. */
  #splitBucket(): void {
    const size = this.#mask + 1;
    if (size + this.#split >= this.#next) return;
    const rows = this.#rows;
    if (size + this.#split >= this.#buckets.length) this.#buckets = doubled(this.#buckets);
    let row = this.#buckets[this.#split] as number;
    let low = NONE;
    let high = NONE;
    while (row !== NONE) {
      const at = row * STRIDE;
      const next = rows[at + NEXT] as number;
      const isHigh = ((rows[at + LO] as number) & size) !== 0;
      rows[at + NEXT] = isHigh ? high : low;
      if (isHigh) high = row;
      else low = row;
      row = next;
    }
    this.#buckets[this.#split] = low;
    this.#buckets[this.#split + size] = high;
    if (++this.#split < size) return;
    this.#split = 0;
    this.#mask = 2 * size - 1;
  }
}

/** The same array with twice the room. */
export function doubled(array: Int32Array): Int32Array<ArrayBuffer> {
  const larger = new Int32Array(array.length * 2);
  larger.set(array);
  return larger;
}
