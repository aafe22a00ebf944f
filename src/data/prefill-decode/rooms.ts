import { randomInt } from 'node:crypto';

/** Number of rooms that share their upper bits; then new upper bits are drawn. */
const BLOCK = 2 ** 31;
/** Largest upper bits of a room, which keeps it below 63 bits: a negative room crashes engines, and 0 means none. */
const MOST_UPPER = 2 ** 31 - 1;

/**
 * Draws bootstrap rooms: numbers under which a prefill and a decode server meet, in 1 … 2^62. Those of one router never
 * repeat within 2^31 requests, those of two routers hardly ever. They count up, so that a server that spreads rooms over its
 * data-parallel ranks by the remainder takes turns.
 */
export class Rooms {
  #upper = randomInt(1, MOST_UPPER);
  #next = randomInt(BLOCK / 2);

  /** Draws `count` consecutive rooms as JSON text, as JavaScript numbers cannot hold them. */
  draw(count: number): string[] {
    if (this.#next + count > BLOCK) {
      this.#upper = randomInt(1, MOST_UPPER);
      this.#next = 0;
    }
    const first = BigInt(this.#upper) * BigInt(BLOCK) + BigInt(this.#next);
    this.#next += count;
    return Array.from({ length: count }, (_, i) => String(first + BigInt(i)));
  }
}
