import type { Histogram } from '../observe/metrics/series.ts';

/** A histogram at one moment. What has not changed since an earlier one is the same object, so that what was made of it holds. */
export interface Distribution {
  /** Upper bounds, rising. */
  readonly bounds: readonly number[];
  /** Of each bucket by itself, the one above all bounds last. */
  readonly counts: readonly number[];
}

const empty = new WeakMap<readonly number[], Distribution>();

/** Without observations. */
export function nothing(bounds: readonly number[]): Distribution {
  let none = empty.get(bounds);
  if (!none) {
    none = { bounds, counts: new Array(bounds.length + 1).fill(0) };
    empty.set(bounds, none);
  }
  return none;
}

/** What a histogram has counted; `earlier` itself where that is the same. */
export function read({ bounds, counts }: Histogram, earlier: Distribution | undefined): Distribution {
  if (earlier && areSame(earlier.counts, counts)) return earlier;
  return { bounds, counts: Array.from(counts) };
}

/** All of several with the same bounds. */
export function together(
  bounds: readonly number[],
  all: Iterable<{ readonly counts: ArrayLike<number> }>,
): Distribution {
  const counts: number[] = new Array(bounds.length + 1).fill(0);
  for (const one of all) for (let bucket = 0; bucket < counts.length; bucket++) counts[bucket]! += one.counts[bucket]!;
  return { bounds, counts };
}

/** What was counted since `before`; never below 0. */
export function since(now: Distribution, before: Distribution | undefined): Distribution {
  if (!before) return now;
  if (now === before) return nothing(now.bounds);
  return { bounds: now.bounds, counts: now.counts.map((count, bucket) => Math.max(0, count - before.counts[bucket]!)) };
}

export function countOf({ counts }: Distribution): number {
  let all = 0;
  for (const count of counts) all += count;
  return all;
}

function areSame(one: ArrayLike<number>, other: ArrayLike<number>): boolean {
  for (let bucket = 0; bucket < one.length; bucket++) if (one[bucket] !== other[bucket]) return false;
  return true;
}

/**
 * The value that `share` of the observations do not exceed, as Prometheus' histogram_quantile has it: within a bucket they count as
 * spread evenly, above all bounds as the last of them. Undefined without observations.
 */
export function quantile(distribution: Distribution, share: number): number | undefined {
  const { bounds, counts } = distribution;
  const wanted = share * countOf(distribution);
  if (wanted === 0) return undefined;
  let below = 0;
  for (let bucket = 0; bucket < bounds.length; bucket++) {
    const count = counts[bucket]!;
    if (count > 0 && below + count >= wanted) {
      const from = bounds[bucket - 1] ?? 0;
      return from + ((bounds[bucket]! - from) * (wanted - below)) / count;
    }
    below += count;
  }
  return bounds.at(-1);
}
