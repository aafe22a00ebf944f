import type { Run } from '../run.ts';
import type { Series } from '../svg.ts';

/** What is plotted of fleets by their number of workers. */
export const FLEET_PLOTS: readonly {
  readonly caption: string;
  readonly unit: string;
  readonly value: (run: Run) => number;
}[] = [
  { caption: 'First token (p90) by number of workers', unit: 'ms', value: ({ summary }) => summary.ttftMs.p90 },
  { caption: 'First token (p50) by number of workers', unit: 'ms', value: ({ summary }) => summary.ttftMs.p50 },
  { caption: 'Hit rate by number of workers', unit: '%', value: ({ summary }) => (summary.hitShare ?? 0) * 100 },
  {
    caption: 'Tokens a second by number of workers',
    unit: 'tok/s',
    value: ({ summary }) => summary.outputTokensPerSec,
  },
];

/** A line for each policy; none where no fleets of different sizes were computed. */
export function fleetSeries(
  runs: readonly Run[],
  value: (run: Run) => number,
  colour: (index: number) => string,
): Series[] {
  const fleets = runs.flatMap((run) => (run.fleet ? [{ ...run.fleet, run }] : []));
  if (new Set(fleets.map(({ workers }) => workers)).size < 2) return [];
  return [...new Set(fleets.map(({ policy }) => policy))].map((policy, i) => {
    const own = fleets.filter((fleet) => fleet.policy === policy).toSorted((a, b) => a.workers - b.workers);
    return { name: policy, colour: colour(i), points: own.map(({ workers, run }) => [workers, value(run)]) };
  });
}

const BAR = 40;

/** First tokens of each fleet as bars of text; empty where none was computed. */
export function fleetBars(runs: readonly Run[]): string {
  const fleets = runs.filter(({ fleet }) => fleet);
  if (fleets.length === 0) return '';
  const most = Math.max(...fleets.map(({ summary }) => summary.ttftMs.p90));
  const width = Math.max(...fleets.map(({ contender }) => contender.length));
  const length = (ms: number) => Math.round((BAR * ms) / most) || 0;
  const bars = fleets.map(({ contender, summary: { ttftMs } }) => {
    const median = '█'.repeat(length(ttftMs.p50));
    return `  ${contender.padEnd(width)}  ${median}${'░'.repeat(Math.max(0, length(ttftMs.p90) - median.length))} ${ttftMs.p90.toFixed(0)}\n`;
  });
  return `first token: █ p50, ░ p90, ms\n${bars.join('')}`;
}
