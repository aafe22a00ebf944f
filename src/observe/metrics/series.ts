/** One time series that only goes up. Counted in a plain field: prom-client's own counters hash their labels at every step. */
export class Counter {
  value = 0;

  inc(by = 1): void {
    this.value += by;
  }

  add(other: Counter): void {
    this.value += other.value;
  }
}

/** What a histogram has counted. */
export interface HistogramCounts {
  /** Of each bucket by itself, the one above all bounds last. */
  readonly counts: readonly number[] | Float64Array;
  readonly sum: number;
}

/** One histogram, counted by hand. */
export class Histogram implements HistogramCounts {
  /** Upper bounds, rising. */
  readonly bounds: readonly number[];
  readonly counts: Float64Array;
  sum = 0;

  constructor(bounds: readonly number[]) {
    this.bounds = bounds;
    this.counts = new Float64Array(bounds.length + 1);
  }

  get count(): number {
    let sum = 0;
    for (const count of this.counts) sum += count;
    return sum;
  }

  observe(value: number): void {
    const { bounds } = this;
    let bucket = 0;
    while (bucket < bounds.length && value > (bounds[bucket] as number)) bucket++;
    (this.counts[bucket] as number)++;
    this.sum += value;
  }

  /** What another one with the same bounds has counted. */
  add({ counts, sum }: HistogramCounts): void {
    for (let bucket = 0; bucket < counts.length; bucket++) this.counts[bucket]! += counts[bucket]!;
    this.sum += sum;
  }
}
