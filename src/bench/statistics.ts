/** The value below which the share `q` of the sorted values lies, between neighbours by proportion (as NumPy does). NaN of none. */
export function quantile(sorted: ArrayLike<number>, q: number): number {
  if (sorted.length === 0) return Number.NaN;
  const at = (sorted.length - 1) * q;
  const below = Math.floor(at);
  const low = sorted[below] as number;
  const high = sorted[Math.min(below + 1, sorted.length - 1)] as number;
  return low + (high - low) * (at - below);
}

/** What is told of a set of times. */
export interface Spread {
  readonly p50: number;
  readonly p90: number;
  readonly p99: number;
  readonly mean: number;
}

export function spread(values: readonly number[]): Spread {
  const sorted = Float64Array.from(values).sort();
  const sum = sorted.reduce((total, value) => total + value, 0);
  return {
    p50: quantile(sorted, 0.5),
    p90: quantile(sorted, 0.9),
    p99: quantile(sorted, 0.99),
    mean: sorted.length > 0 ? sum / sorted.length : Number.NaN,
  };
}

/** 1 where all workers have the same share, the number of workers where one has everything. */
export function hotspot(counts: readonly number[]): number {
  const total = counts.reduce((sum, count) => sum + count, 0);
  return total > 0 ? (counts.length * Math.max(...counts)) / total : Number.NaN;
}
