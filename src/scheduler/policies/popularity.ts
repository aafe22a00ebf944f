import type { Blocks } from '../index/blocks.ts';

/** Most depths of a prompt whose popularity is counted, the shallowest first. */
const MOST_DEPTHS = 8;

/** A part of a prompt of which workers should hold one more copy. */
interface Copy {
  /** Number of blocks in that part. */
  readonly depth: number;
  /** Requests that will use each copy, and so share the cost of the next. */
  readonly sharers: number;
}

/** A copy serves those in flight and, before anybody has to decide again, as many that come after them. */
const USES_PER_REQUEST = 2;

const NO_COPY: Copy = { depth: 0, sharers: 1 };
const NOTHING: readonly number[] = [];

/** Counts requests in flight that begin alike, and so would use a further copy of that beginning. */
export class Popularity {
  readonly #users = new Map<number, number>();

  /**
   * Finds the longest held beginning with too few copies: a smaller share of the workers than of the requests `inFlight` that have it.
   * `held` has the blocks that each worker holds, `depths` the different numbers among them.
   */
  nextCopy(blocks: Blocks, held: readonly number[], depths: readonly number[], inFlight: number): Copy {
    let copy = NO_COPY;
    for (const depth of depths) {
      const users = this.#users.get(blocks.lo[depth - 1] as number) ?? 0;
      if (users === 0) continue;
      let copies = 0;
      for (const blocks of held) if (blocks >= depth) copies++;
      const sharers = (USES_PER_REQUEST * users) / copies;
      if (sharers > 1 && users * held.length > copies * inFlight) copy = { depth, sharers };
    }
    return copy;
  }

  /** Counts a request with these beginnings; pass what it returns to `leave`. */
  join(blocks: Blocks, depths: readonly number[]): readonly number[] {
    if (depths.length === 0) return NOTHING;
    const prefixes = depths.map((depth) => blocks.lo[depth - 1] as number);
    for (const prefix of prefixes) this.#users.set(prefix, (this.#users.get(prefix) ?? 0) + 1);
    return prefixes;
  }

  /** The request is over. */
  leave(prefixes: readonly number[]): void {
    for (const prefix of prefixes) {
      const left = (this.#users.get(prefix) ?? 0) - 1;
      if (left > 0) this.#users.set(prefix, left);
      else this.#users.delete(prefix);
    }
  }
}

/** The different depths above 0, shallowest first. */
export function depthsOf(held: readonly number[]): readonly number[] {
  const depths: number[] = [];
  for (const depth of held) {
    if (depth === 0) continue;
    let at = 0;
    while (at < depths.length && (depths[at] as number) < depth) at++;
    if (at === MOST_DEPTHS || depths[at] === depth) continue;
    depths.splice(at, 0, depth);
    if (depths.length > MOST_DEPTHS) depths.pop();
  }
  return depths;
}
