import type { Prospect } from './expected-cost.ts';
import type { Candidate } from './policy.ts';
import type { WorkerView } from './worker-view.ts';

/** Costs that differ by less than this share, or by less than a page of an engine's cache, count as equal. */
const EQUAL_SHARE = 0.02;
const EQUAL_TOKENS = 16;
/**
 * Out of balance, workers in this lower part of the spread count as least busy. With a sixteenth, bursts of 1,024 prompts left their
 * group too easily: 0.4 % more tokens were computed again, and the end came 4 % later.
 */
const SHORTEST_SHARE = 1 / 2;

/** A candidate with everything that decides about it. */
export interface Offer<C> extends Prospect {
  readonly candidate: C;
  readonly view: WorkerView;
  readonly matchedBytes: number;
  /** The last use of the last matching block; undefined if none matches. */
  readonly matchedUse: number | undefined;
  /** Blocks that its cache still has room for. */
  readonly room: number;
  readonly cost: number;
}

/** Workers are out of balance when their requests in flight differ by more than `abs` and by more than `rel` times. */
interface Imbalance {
  readonly balanceAbsThreshold: number;
  readonly balanceRelThreshold: number;
}

/** The offers of the least busy workers when out of balance; undefined in balance. A slow worker counts as busy for longer. */
export function shortestQueues<C>(offers: readonly Offer<C>[], thresholds: Imbalance): Offer<C>[] | undefined {
  const queue = ({ inFlight, speed }: Offer<C>) => inFlight / speed;
  let shortest = Number.POSITIVE_INFINITY;
  let longest = 0;
  for (const offer of offers) {
    shortest = Math.min(shortest, queue(offer));
    longest = Math.max(longest, queue(offer));
  }
  const { balanceAbsThreshold, balanceRelThreshold } = thresholds;
  if (longest - shortest <= balanceAbsThreshold || longest <= balanceRelThreshold * shortest) return undefined;
  const short = shortest + (longest - shortest) * SHORTEST_SHARE;
  return offers.filter((offer) => queue(offer) <= short);
}

/** Picks the least cost; among equals the longest match or, `byRoom`, the most free cache; then the least recently picked. */
export function cheapest<C>(offers: readonly Offer<C>[], byRoom: boolean): Offer<C> {
  let least = Number.POSITIVE_INFINITY;
  for (const { cost } of offers) least = Math.min(least, cost);
  const enough = least + Math.max(EQUAL_TOKENS, least * EQUAL_SHARE);
  let best: Offer<C> | undefined;
  for (const offer of offers) {
    if (offer.cost > enough) continue;
    const more = best ? (byRoom ? offer.room - best.room : offer.matchedBytes - best.matchedBytes) : 0;
    if (!best || more > 0 || (more === 0 && offer.view.lastPick < best.view.lastPick)) best = offer;
  }
  return best as Offer<C>;
}

/** The parts of an offer's cost, for the explain header and the log. */
export function costParts<C extends Candidate>(offer: Offer<C>): Readonly<Record<string, string | number>> {
  return {
    worker: offer.candidate.url,
    load: offer.inFlight,
    cost: Math.round(offer.cost),
    matchedBytes: offer.matchedBytes,
    uncachedTokens: Math.round(offer.uncachedTokens),
    pendingTokens: Math.round(offer.pendingTokens),
    waiting: offer.waiting,
    speed: Math.round(offer.speed * 100) / 100,
    freeBlocks: offer.room,
  };
}
