import { against, type Compared, type Comparison, CRITERIA, compare, JUDGED, nounOf } from './comparison.ts';
import type { Ran, Run } from './run.ts';
import { verdictOf } from './verdict.ts';

const YARDSTICK = 'round_robin';

const WORDS = { better: 'best', level: 'level', worse: 'WORSE' } as const;

/** The verdict, and how cache_aware compares with the best of the others workload by workload, where it was run with any. */
export function verdicts(workloads: readonly Ran[], runs: readonly Run[]): string {
  const sentence = verdictOf(workloads, runs);
  const comparisons = compare(runs);
  const verdict = sentence === '' ? '' : `\n${sentence}\n`;
  if (comparisons.length === 0) return verdict;
  const rows = comparisons.map((comparison) => rowOf(comparison, runs));
  const lines = rows.map(({ workload, cells }) => `  ${workload.padEnd(20)}${cells.map(cellOf).join('   ')}\n`);
  const outcomes = rows.flatMap(({ cells }) => cells.map(([, { outcome }]) => outcome));
  const sum = (['better', 'level', 'worse'] as const).map(
    (outcome) => `${WORDS[outcome]} ${outcomes.filter((one) => one === outcome).length}`,
  );
  const title = `${JUDGED} beside the best of ${nounOf(comparisons)} (1 is level, less is better)`;
  return `${verdict}\n${title}\n${lines.join('')}  in all: ${sum.join(', ')}\n`;
}

type Cell = readonly [name: string, compared: Compared];

function rowOf({ workload, judged, others, compared }: Comparison, runs: readonly Run[]) {
  const cells: Cell[] = compared.map((one) => [one.criterion.name, one]);
  const makespan = CRITERIA.find(({ name }) => name === 'makespan');
  const turns = runs.find((run) => run.workload === workload && run.own && run.contender === YARDSTICK);
  if (makespan && turns && !others.includes(turns)) {
    cells.push([`makespan ÷ ${YARDSTICK}`, against(makespan, judged, [turns])]);
  }
  return { workload, cells };
}

function cellOf([name, { ratio, outcome }]: Cell): string {
  return `${name} ${ratio.toFixed(2)} ${WORDS[outcome]}`;
}
