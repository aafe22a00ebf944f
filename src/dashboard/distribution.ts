/** How many observations fell into each bucket: a histogram at one moment. Plain numbers, as a thousand workers have two thousand of them a second. */
export interface Distribution {
  /** Upper bounds, rising. */
  readonly bounds: readonly number[];
  /** Of each bucket by itself, the one above all bounds last. */
  readonly counts: number[];
}

export function emptyDistribution(bounds: readonly number[]): Distribution {
  return { bounds, counts: new Array(bounds.length + 1).fill(0) };
}

/** Counts what another one with the same bounds has counted. */
export function addTo({ counts }: Distribution, other: { readonly counts: ArrayLike<number> }): void {
  for (let bucket = 0; bucket < counts.length; bucket++) counts[bucket]! += other.counts[bucket]!;
}

/** What was counted since `before`; never below 0. */
export function since(now: Distribution, before: Distribution | undefined): Distribution {
  if (!before) return now;
  return { bounds: now.bounds, counts: now.counts.map((count, bucket) => Math.max(0, count - before.counts[bucket]!)) };
}

export function countOf({ counts }: Distribution): number {
  let all = 0;
  for (const count of counts) all += count;
  return all;
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
