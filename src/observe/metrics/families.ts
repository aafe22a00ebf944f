import { CounterFamily, HistogramFamily, ReadFamily } from './family.ts';
import { METRICS, type MetricKey, type MetricRow } from './table.ts';

type FamilyOf<R> = R extends { type: 'histogram' }
  ? HistogramFamily
  : R extends { type: 'gauge' } | { read: true }
    ? ReadFamily
    : CounterFamily;

/** A family for each row of the table. */
export type Families = { readonly [K in MetricKey]: FamilyOf<(typeof METRICS)[K]> };

/** `durationBounds`, in seconds, replace those of the histograms of durations (`--prometheus-duration-buckets`). */
export function createFamilies(durationBounds?: readonly number[]): Families {
  const entries = Object.entries(METRICS).map(([key, row]) => [key, createFamily(row, durationBounds)]);
  return Object.fromEntries(entries) as Families;
}

function createFamily(row: MetricRow, durationBounds: readonly number[] | undefined) {
  if (row.type === 'gauge' || row.read) return new ReadFamily(row);
  if (row.type === 'counter') return new CounterFamily(row);
  return new HistogramFamily(row, row.name.endsWith('_duration_seconds') ? durationBounds : undefined);
}
