import { Counter, Histogram } from './series.ts';
import type { MetricRow } from './table.ts';

/** Label values in the order of the row's labels. */
type LabelValues = readonly string[];

/** A metric as prom-client's registry reads it. */
export interface Reading {
  readonly name: string;
  readonly help: string;
  readonly type: string;
  readonly values: readonly Sample[];
  /** How the readings of several threads become one. */
  readonly aggregator: 'sum';
}

interface Sample {
  readonly metricName?: string;
  readonly labels: Readonly<Record<string, string | number>>;
  readonly value: number;
}

/** Written in 2 to 5 ms. */
const SAMPLES_AT_ONCE = 500;

interface Summed<T> {
  add(other: T): void;
}

/** A metric with all its series; whoever counts asks for a series once and keeps it. */
export abstract class Family<T extends Summed<T>> {
  readonly row: MetricRow;
  readonly #entries = new Map<string, { readonly values: LabelValues; readonly series: T }>();

  constructor(row: MetricRow) {
    this.row = row;
  }

  get name(): string {
    return this.row.name;
  }

  /** The series with these labels, made when it is not there. */
  with(...values: string[]): T {
    const key = values.join('\0');
    let entry = this.#entries.get(key);
    if (!entry) {
      entry = { values, series: this.create() };
      this.#entries.set(key, entry);
    }
    return entry.series;
  }

  *entries(): IterableIterator<readonly [LabelValues, T]> {
    for (const { values, series } of this.#entries.values()) yield [values, series];
  }

  /** Forgets the series that have this label value. */
  drop(label: string, value: string): void {
    const at = this.row.labels.indexOf(label);
    if (at < 0) return;
    for (const [key, { values }] of this.#entries) if (values[at] === value) this.#entries.delete(key);
  }

  labels(values: LabelValues): Readonly<Record<string, string>> {
    return Object.fromEntries(this.row.labels.map((label, at) => [label, values[at] ?? '']));
  }

  /** All its series, or so many at a time that writing them takes a few milliseconds: one reading at least. */
  *readings(): Iterable<Reading> {
    let values: Sample[] = [];
    let written = false;
    for (const [labelValues, series] of this.entries()) {
      values.push(...this.samples(this.labels(labelValues), series));
      if (values.length < SAMPLES_AT_ONCE) continue;
      yield this.#reading(values);
      values = [];
      written = true;
    }
    if (values.length > 0 || !written) yield this.#reading(values);
  }

  #reading(values: readonly Sample[]): Reading {
    const { name, help, type } = this.row;
    return { name, help, type, values, aggregator: 'sum' };
  }

  protected abstract create(): T;
  protected abstract samples(labels: Readonly<Record<string, string>>, series: T): Iterable<Sample>;
}

export class CounterFamily extends Family<Counter> {
  protected override create(): Counter {
    return new Counter();
  }

  protected override *samples(labels: Readonly<Record<string, string>>, { value }: Counter): Iterable<Sample> {
    yield { labels, value };
  }
}

export class HistogramFamily extends Family<Histogram> {
  readonly bounds: readonly number[];

  /** `bounds` in place of those of the row. */
  constructor(row: MetricRow, bounds: readonly number[] = row.buckets ?? []) {
    super(row);
    this.bounds = bounds;
  }

  protected override create(): Histogram {
    return new Histogram(this.bounds);
  }

  protected override *samples(labels: Readonly<Record<string, string>>, series: Histogram): Iterable<Sample> {
    let below = 0;
    for (const [bucket, count] of series.counts.entries()) {
      below += count;
      yield {
        metricName: `${this.name}_bucket`,
        labels: { ...labels, le: series.bounds[bucket] ?? '+Inf' },
        value: below,
      };
    }
    yield { metricName: `${this.name}_sum`, labels, value: series.sum };
    yield { metricName: `${this.name}_count`, labels, value: below };
  }
}

/** A gauge, or a count that somebody else keeps: read when it is asked for. */
export class ReadFamily extends CounterFamily {
  #read: () => Iterable<readonly [LabelValues, number]> = () => [];

  /** Where its values come from; it has none before. */
  from(read: () => Iterable<readonly [LabelValues, number]>): void {
    this.#read = read;
  }

  override *entries(): IterableIterator<readonly [LabelValues, Counter]> {
    for (const [values, value] of this.#read()) {
      const series = this.create();
      series.inc(value);
      yield [values, series];
    }
  }
}
