import { randomInt } from 'node:crypto';

/** Rooms that share their upper bits; also how many requests one process can number before it draws new ones. */
const BLOCK = 2 ** 31;
/** Upper bits of a room: from 1, since engines take room 0 for none, and below what makes 63 bits, since negative ones end them. */
const MOST_UPPER = 2 ** 31 - 1;

/**
 * Draws bootstrap rooms: numbers under which a prefill and a decode server meet, in 1 … 2^62. Those of one router never
 * repeat within 2^31 requests, those of two routers hardly ever. They count up, so that a server that spreads rooms over its
 * data-parallel ranks by the remainder takes turns.
 */
export class Rooms {
  #upper = randomInt(1, MOST_UPPER);
  #next = randomInt(BLOCK / 2);

  /** `count` rooms in a row, as JSON numbers: beyond 2^53 no number of JavaScript can hold them. */
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
