/** Integers of one chunk: 128 KiB. */
const CHUNK_BITS = 15;
const CHUNK = 1 << CHUNK_BITS;
const MASK = CHUNK - 1;

/**
 * An array of 32-bit integers, 0 at first, that grows a chunk at a time: what is in it is never moved. A plain array that doubles
 * held the event loop for 80 ms at a million entries, and half of it was headroom. An access costs one more look-up in a small list.
 */
export class GrowingInts {
  readonly #chunks: Int32Array[] = [];

  get length(): number {
    return this.#chunks.length * CHUNK;
  }

  get bytes(): number {
    return this.length * Int32Array.BYTES_PER_ELEMENT;
  }

  /** Makes room for at least `length` integers. */
  reserve(length: number): void {
    while (this.length < length) this.#chunks.push(new Int32Array(CHUNK));
  }

  get(at: number): number {
    return (this.#chunks[at >>> CHUNK_BITS] as Int32Array)[at & MASK] as number;
  }

  set(at: number, value: number): void {
    (this.#chunks[at >>> CHUNK_BITS] as Int32Array)[at & MASK] = value;
  }
}
