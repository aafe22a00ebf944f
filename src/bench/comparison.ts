import { isComparable, number, percent } from './figures.ts';
import type { Run } from './run.ts';

/** Figures within this share of each other are level. */
const LEVEL = 0.02;

/** The policy that is judged by the others. */
export const JUDGED = 'cache_aware';

/** What decides between two routers. */
interface Criterion {
  readonly name: string;
  /** In a sentence. */
  readonly said: string;
  readonly best: string;
  /** Less is better, so that hits count upside down. */
  readonly cost: (run: Run) => number;
  readonly text: (run: Run) => string;
}

export const CRITERIA: readonly Criterion[] = [
  {
    name: 'TTFT p90',
    said: 'first token (p90)',
    best: 'earliest first token (p90)',
    cost: ({ summary }) => summary.ttftMs.p90,
    text: ({ summary }) => `${number(summary.ttftMs.p90)} ms`,
  },
  {
    name: 'hit',
    said: 'hits',
    best: 'most hits',
    cost: ({ summary }) => 1 / (summary.hitShare ?? 0),
    text: ({ summary }) => `${percent(summary.hitShare)} %`,
  },
  {
    name: 'makespan',
    said: 'makespan',
    best: 'shortest makespan',
    cost: ({ summary }) => summary.makespanSecs,
    text: ({ summary }) => `${number(summary.makespanSecs, 2)} s`,
  },
];

export type Outcome = 'better' | 'level' | 'worse';

/** One criterion: what is judged, and the best of the others. */
export interface Compared {
  readonly criterion: Criterion;
  readonly best: Run;
  /** Cost of what is judged ÷ that of the best. */
  readonly ratio: number;
  readonly outcome: Outcome;
}

/** cache_aware and the others in one workload. */
export interface Comparison {
  readonly workload: string;
  readonly judged: Run;
  /** Other routers where there are any, else the other policies of ours. */
  readonly others: readonly Run[];
  readonly compared: readonly Compared[];
}

/** A comparison for each workload where there is something to compare. */
export function compare(runs: readonly Run[]): readonly Comparison[] {
  return [...new Set(runs.map(({ workload }) => workload))].flatMap((workload) => {
    const all = runs.filter((run) => run.workload === workload && !run.isRecorded);
    const judged = all.find(({ contender, own }) => own && contender === JUDGED);
    if (!judged) return [];
    const comparable = all.filter((run) => run !== judged && isComparable(run.summary));
    const peers = comparable.filter(({ own }) => !own);
    const others = peers.length > 0 ? peers : comparable;
    // Where nothing could be hit there is nothing to compare.
    const criteria = CRITERIA.filter(({ cost }) => [judged, ...others].some((run) => Number.isFinite(cost(run))));
    const compared = others.length > 0 ? criteria.map((criterion) => against(criterion, judged, others)) : [];
    return compared.length > 0 ? [{ workload, judged, others, compared }] : [];
  });
}

/** What the others are, in words. */
export function nounOf(comparisons: readonly Comparison[]): string {
  return comparisons.every(({ others }) => others.every(({ own }) => !own)) ? 'the other routers' : 'the others';
}

/** The run with the least cost; the first where none has a cost. */
export function bestBy({ cost }: Criterion, runs: readonly Run[]): Run | undefined {
  const sorted = runs.filter((run) => !Number.isNaN(cost(run))).sort((a, b) => (cost(a) < cost(b) ? -1 : 1));
  return sorted[0] ?? runs[0];
}

export function against(criterion: Criterion, judged: Run, others: readonly Run[]): Compared {
  const best = bestBy(criterion, others) ?? judged;
  const [own, least] = [criterion.cost(judged), criterion.cost(best)];
  // Two that are endless are alike: nothing was to be hit.
  const ratio = own === least ? 1 : Number.isNaN(own) ? Number.POSITIVE_INFINITY : own / least;
  const outcome = ratio < 1 - LEVEL ? 'better' : ratio <= 1 + LEVEL ? 'level' : 'worse';
  return { criterion, best, ratio, outcome };
}
