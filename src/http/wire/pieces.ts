import { setImmediate as nextTurn } from 'node:timers/promises';

const LEAST_BLOCK_BYTES = 4 * 1024;
const MOST_BLOCK_BYTES = 64 * 1024;
/** Blocks that are moved in one turn of the event loop: 200 MB at once held it for 160 ms. */
const BLOCKS_A_TURN = 128;
const NOTHING = Buffer.alloc(0);

/** Bytes that come in pieces of any size. They are copied together: as buffers of their own, 40 MB that came byte by byte took 4 GB. */
export class Pieces {
  readonly #blocks: Buffer[] = [];
  #last: Buffer = NOTHING;
  /** Bytes of the last block that are taken. */
  #used = 0;
  #bytes = 0;

  /** Copies a piece; the caller may free it. */
  add(piece: Buffer): void {
    this.#bytes += piece.length;
    for (let at = 0; at < piece.length; ) {
      if (this.#used === this.#last.length) this.#addBlock();
      const copied = piece.copy(this.#last, this.#used, at);
      this.#used += copied;
      at += copied;
    }
  }

  /** Moves the bytes to the beginning of `whole`. */
  moveTo(whole: Buffer): void {
    for (const _ of this.#moved(whole));
  }

  /** Moves the bytes into one buffer. */
  async whole(): Promise<Buffer> {
    const whole = Buffer.allocUnsafeSlow(this.#bytes);
    let blocks = 0;
    for (const _ of this.#moved(whole)) if (++blocks % BLOCKS_A_TURN === 0) await nextTurn();
    return whole;
  }

  /** Moves one block after the other, and frees each. */
  *#moved(whole: Buffer): Generator<void> {
    let at = 0;
    for (const block of this.#blocks) {
      at += block.copy(whole, at, 0, block === this.#last ? this.#used : block.length);
      (block.buffer as ArrayBuffer).transfer(0);
      yield;
    }
  }

  #addBlock(): void {
    const bytes = Math.min(MOST_BLOCK_BYTES, Math.max(LEAST_BLOCK_BYTES, this.#last.length * 2));
    this.#last = Buffer.allocUnsafeSlow(bytes);
    this.#blocks.push(this.#last);
    this.#used = 0;
  }
}
