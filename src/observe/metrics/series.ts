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

/** One histogram, counted by hand. */
export class Histogram {
  /** Upper bounds, rising. */
  readonly bounds: readonly number[];
  /** Of each bucket by itself, the one above all bounds last. */
  readonly counts: Float64Array;
  sum = 0;

  constructor(bounds: readonly number[]) {
    this.bounds = bounds;
    this.counts = new Float64Array(bounds.length + 1);
  }

  get count(): number {
    return this.counts.reduce((sum, count) => sum + count, 0);
  }

  observe(value: number): void {
    const { bounds } = this;
    let bucket = 0;
    while (bucket < bounds.length && value > (bounds[bucket] as number)) bucket++;
    (this.counts[bucket] as number)++;
    this.sum += value;
  }

  copy(): Histogram {
    const copy = new Histogram(this.bounds);
    copy.add(this);
    return copy;
  }

  /** What another one with the same bounds has counted. */
  add({ counts, sum }: Pick<Histogram, 'counts' | 'sum'>): void {
    for (const [bucket, count] of counts.entries()) this.counts[bucket]! += count;
    this.sum += sum;
  }
}
