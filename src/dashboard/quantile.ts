import type { Histogram } from '../observe/metrics/series.ts';

/**
 * The value that `share` of the observations do not exceed, as Prometheus' histogram_quantile has it: within a bucket they count as
 * spread evenly, above all bounds as the last of them. Undefined without observations.
 */
export function quantile({ bounds, counts }: Pick<Histogram, 'bounds' | 'counts'>, share: number): number | undefined {
  const all = counts.reduce((sum, count) => sum + count, 0);
  if (all === 0) return undefined;
  let below = 0;
  for (const [bucket, count] of counts.entries()) {
    const bound = bounds[bucket];
    if (bound === undefined) break;
    if (count > 0 && below + count >= share * all) {
      const from = bounds[bucket - 1] ?? 0;
      return from + ((bound - from) * (share * all - below)) / count;
    }
    below += count;
  }
  return bounds.at(-1);
}
