import type { Summary } from './summary.ts';

/** A figure of a run, as tables show it. */
interface Figure {
  /** Above several columns of one kind; empty where a column stands alone. */
  readonly group: string;
  /** In a table of text, where groups have no line of their own. */
  readonly heading: string;
  /** Below the group. */
  readonly label: string;
  readonly value: (summary: Summary) => number | undefined;
  readonly digits: number;
  /** Which end of the figure is the good one; undefined where neither is. */
  readonly better?: 'less' | 'more';
}

const percentOf = (share: number | undefined) => (share === undefined ? undefined : share * 100);

/** The columns of the tables, in this order. */
export const FIGURES: readonly Figure[] = [
  {
    group: '',
    heading: 'makespan s',
    label: 'makespan, s',
    value: (run) => run.makespanSecs,
    digits: 2,
    better: 'less',
  },
  {
    group: 'First token, ms',
    heading: 'TTFT p50',
    label: 'p50',
    value: (run) => run.ttftMs.p50,
    digits: 0,
    better: 'less',
  },
  { group: 'First token, ms', heading: 'p90', label: 'p90', value: (run) => run.ttftMs.p90, digits: 0, better: 'less' },
  {
    group: 'First token, ms',
    heading: 'p99 ms',
    label: 'p99',
    value: (run) => run.ttftMs.p99,
    digits: 0,
    better: 'less',
  },
  {
    group: 'Between tokens, ms',
    heading: 'ITL p50',
    label: 'p50',
    value: (run) => run.itlMs.p50,
    digits: 1,
    better: 'less',
  },
  {
    group: 'Between tokens, ms',
    heading: 'p99 ms',
    label: 'p99',
    value: (run) => run.itlMs.p99,
    digits: 1,
    better: 'less',
  },
  {
    group: 'A second',
    heading: 'out tok/s',
    label: 'tokens',
    value: (run) => run.outputTokensPerSec,
    digits: 0,
    better: 'more',
  },
  { group: 'A second', heading: 'goodput/s', label: 'goodput', value: (run) => run.goodput, digits: 1, better: 'more' },
  {
    group: 'Cached, %',
    heading: 'hit %',
    label: 'hit',
    value: (run) => percentOf(run.hitShare),
    digits: 1,
    better: 'more',
  },
  {
    group: 'Cached, %',
    heading: 'predicted',
    label: 'predicted',
    value: (run) => percentOf(run.predictedShare),
    digits: 1,
  },
  { group: '', heading: 'hotspot', label: 'hotspot', value: (run) => run.hotspot, digits: 2, better: 'less' },
  { group: '', heading: 'errors', label: 'errors', value: (run) => run.errors, digits: 0, better: 'less' },
];

/** The figure of a run as text; a dash where there is none. */
export function cellOf({ value, digits }: Figure, summary: Summary): string {
  return number(value(summary), digits);
}

export function number(value: number | undefined, digits = 0): string {
  return value === undefined || !Number.isFinite(value) ? '–' : value.toFixed(digits);
}

export function percent(share: number | undefined): string {
  return number(percentOf(share), 1);
}

/** More errors than this, and what else a run shows is not comparable: whoever refuses work is soon done. */
const MOST_ERRORS = 0.01;

/** Its figures may be held against those of others. */
export function isComparable({ errors, requests }: Summary): boolean {
  return errors <= MOST_ERRORS * requests;
}

/** The best text of a figure among runs; undefined where all are alike, or neither end is the good one. */
export function bestOf(figure: Figure, summaries: readonly Summary[]): string | undefined {
  const { better } = figure;
  const comparable = summaries.filter((summary) => isComparable(summary) && figure.value(summary) !== undefined);
  const texts = new Set(comparable.map((summary) => cellOf(figure, summary)).filter((text) => text !== '–'));
  if (better === undefined || texts.size < 2) return undefined;
  const sorted = [...texts].sort((a, b) => Number(a) - Number(b));
  return better === 'less' ? sorted[0] : sorted.at(-1);
}
