import type { Measured } from '../measure.ts';
import { quantile, type Spread } from '../statistics.ts';
import type { Summary } from '../summary.ts';

/** Several runs as one: each figure is the median of them, the rest that of the run with the median makespan. */
export function medianOf(runs: readonly Measured[]): Measured {
  const figure = (of: (summary: Summary) => number | undefined) => median(runs.map(({ summary }) => of(summary)));
  const times = (of: (summary: Summary) => Spread): Spread => ({
    p50: figure((summary) => of(summary).p50) as number,
    p90: figure((summary) => of(summary).p90) as number,
    p99: figure((summary) => of(summary).p99) as number,
    mean: figure((summary) => of(summary).mean) as number,
  });
  const sorted = runs.toSorted((a, b) => a.summary.makespanSecs - b.summary.makespanSecs);
  const typical = sorted[Math.floor((sorted.length - 1) / 2)] as Measured;
  return {
    ...typical,
    summary: {
      ...typical.summary,
      makespanSecs: figure(({ makespanSecs }) => makespanSecs) as number,
      ttftMs: times(({ ttftMs }) => ttftMs),
      itlMs: times(({ itlMs }) => itlMs),
      outputTokensPerSec: figure(({ outputTokensPerSec }) => outputTokensPerSec) as number,
      goodput: figure(({ goodput }) => goodput) as number,
      hitShare: figure(({ hitShare }) => hitShare),
      predictedShare: figure(({ predictedShare }) => predictedShare),
      hotspot: figure(({ hotspot }) => hotspot),
    },
  };
}

/** Undefined where one is. */
function median(values: readonly (number | undefined)[]): number | undefined {
  if (values.includes(undefined)) return undefined;
  return quantile(
    (values as number[]).toSorted((a, b) => a - b),
    0.5,
  );
}
