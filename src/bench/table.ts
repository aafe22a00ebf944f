import type { Ran, Run } from './report.ts';
import type { Summary } from './summary.ts';

/** A column of the table: heading and cell. */
interface Column {
  readonly heading: string;
  readonly cell: (summary: Summary) => string;
}

const COLUMNS: readonly Column[] = [
  { heading: 'makespan s', cell: ({ makespanSecs }) => number(makespanSecs, 2) },
  { heading: 'TTFT p50', cell: ({ ttftMs }) => number(ttftMs.p50) },
  { heading: 'p90', cell: ({ ttftMs }) => number(ttftMs.p90) },
  { heading: 'p99 ms', cell: ({ ttftMs }) => number(ttftMs.p99) },
  { heading: 'ITL p50', cell: ({ itlMs }) => number(itlMs.p50, 1) },
  { heading: 'p99 ms', cell: ({ itlMs }) => number(itlMs.p99, 1) },
  { heading: 'out tok/s', cell: ({ outputTokensPerSec }) => number(outputTokensPerSec) },
  { heading: 'goodput/s', cell: ({ goodput }) => number(goodput, 1) },
  { heading: 'hit %', cell: ({ hitShare }) => percent(hitShare) },
  { heading: 'predicted', cell: ({ predictedShare }) => percent(predictedShare) },
  { heading: 'hotspot', cell: ({ hotspot }) => number(hotspot, 2) },
  { heading: 'errors', cell: ({ errors }) => String(errors) },
];

/** Headings of the figures, and the figures of a run, as text. */
export const HEADINGS: readonly string[] = COLUMNS.map(({ heading }) => heading);

export function cells(summary: Summary): readonly string[] {
  return COLUMNS.map(({ cell }) => cell(summary));
}

/** The runs of one workload as a table of text, with shares of the workers and errors below. */
export function renderTable({ name, about, requests, possibleHitShare }: Ran, runs: readonly Run[]): string {
  const possible = possibleHitShare > 0 ? `possible hit ${percent(possibleHitShare)} %` : 'nothing to hit';
  const rows = [['', ...HEADINGS], ...runs.map(({ contender, summary }) => [contender, ...cells(summary)])];
  const widths = rows[0]?.map((_, column) => Math.max(...rows.map((row) => (row[column] ?? '').length))) ?? [];
  const lines = rows.map((row) =>
    row.map((cell, i) => (i === 0 ? cell.padEnd(widths[i] ?? 0) : cell.padStart(widths[i] ?? 0))).join('  '),
  );
  const shares = runs.map(({ contender, summary }) => `  ${contender}: ${sharesText(summary)}`);
  const problems = runs.flatMap(({ contender, summary }) =>
    problemsOf(summary).map((text) => `  ${contender}: ${text}`),
  );
  return [
    `\n${name}: ${about} (${requests} requests, ${possible})`,
    ...lines,
    ...(runs.some(({ summary }) => summary.workerShares.length > 0)
      ? ['share of the requests, % by worker', ...shares]
      : []),
    ...(problems.length > 0 ? ['problems', ...problems] : []),
    '',
  ].join('\n');
}

/** Errors by kind, and what makes the figures doubtful. */
export function problemsOf({ errorKinds, lostSecs }: Summary): readonly string[] {
  const errors = Object.entries(errorKinds)
    .slice(0, 3)
    .map(([kind, count]) => `${count} × ${kind}`);
  if (lostSecs < 0.5) return errors;
  return [...errors, `the machine was too slow: simulated engines lost ${number(lostSecs, 1)} s of their time`];
}

export function percent(share: number | undefined): string {
  return number(share === undefined ? undefined : share * 100, 1);
}

function sharesText({ workerShares }: Summary): string {
  return workerShares.map((share) => number(share * 100)).join(' ');
}

function number(value: number | undefined, digits = 0): string {
  return value === undefined || Number.isNaN(value) ? '–' : value.toFixed(digits);
}
