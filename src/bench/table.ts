import { cellOf, FIGURES, number, percent } from './figures.ts';
import type { Ran, Run } from './run.ts';
import type { Summary } from './summary.ts';

/** The runs of one workload as a table of text, with shares of the workers and errors below. */
export function renderTable({ name, about, requests, possibleHitShare }: Ran, runs: readonly Run[]): string {
  const possible = possibleHitShare > 0 ? `possible hit ${percent(possibleHitShare)} %` : 'nothing to hit';
  const rows = [
    ['', ...FIGURES.map(({ heading }) => heading)],
    ...runs.map(({ contender, summary }) => [contender, ...FIGURES.map((figure) => cellOf(figure, summary))]),
  ];
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

function sharesText({ workerShares }: Summary): string {
  return workerShares.map((share) => number(share * 100)).join(' ');
}
