import {
  bestBy,
  type Compared,
  type Comparison,
  CRITERIA,
  compare,
  JUDGED,
  nounOf,
  type Outcome,
} from './comparison.ts';
import { isComparable, number, percent } from './figures.ts';
import type { Ran, Run } from './run.ts';

/** What a session found, in a sentence; empty where nothing ran. */
export function verdictOf(workloads: readonly Ran[], runs: readonly Run[]): string {
  const comparisons = compare(runs);
  if (comparisons.length > 0) return sumOf(comparisons);
  const sentences = workloads.map((ran) => workloadVerdict(ran, runs));
  return sentences.length === 1
    ? (sentences[0] ?? '')
    : sentences.map((text, i) => `${workloads[i]?.name}: ${text}`).join(' ');
}

/** What one workload showed, in a sentence. */
export function workloadVerdict({ name, possibleHitShare }: Ran, all: readonly Run[]): string {
  const runs = all.filter(({ workload, isRecorded }) => workload === name && !isRecorded);
  const [comparison] = compare(runs);
  if (comparison) return `${JUDGED}: ${comparison.compared.map((one) => phraseOf(comparison, one)).join('; ')}.`;
  const comparable = runs.filter(({ summary }) => isComparable(summary));
  if (comparable.length > 1) return bestsOf(comparable);
  const [run] = runs;
  return run ? aloneOf(run, possibleHitShare) : '';
}

/** More of these are only counted: the tables tell them all. */
const MOST_WORSE = 3;

function sumOf(comparisons: readonly Comparison[]): string {
  const all = comparisons.flatMap((comparison) => comparison.compared.map((one) => ({ comparison, one })));
  const having = (outcome: Outcome) => all.filter(({ one }) => one.outcome === outcome);
  const worse = having('worse').map(({ comparison, one }) => worseOf(comparison, one));
  const counts = (['better', 'level', 'worse'] as const)
    .map((outcome) => ({ outcome, count: having(outcome).length }))
    .filter(({ count }) => count > 0)
    .map(({ outcome, count }, i) => `${outcome} in ${count}${i === 0 ? ` of ${all.length} figures` : ''}`);
  const more = worse.length > MOST_WORSE ? [`and ${worse.length - MOST_WORSE} more`] : [];
  const where = worse.length > 0 ? `: ${[...worse.slice(0, MOST_WORSE), ...more].join('; ')}` : '';
  const failed = comparisons.filter(({ judged }) => !isComparable(judged.summary)).map(failuresOf);
  return [`${JUDGED} against the best of ${nounOf(comparisons)}: ${counts.join(', ')}${where}.`, ...failed].join(' ');
}

function failuresOf({ workload, judged: { summary } }: Comparison): string {
  return `In ${workload} ${summary.errors} of its ${summary.requests} requests failed, so that the figures say little.`;
}

function worseOf({ workload, judged }: Comparison, { criterion: { said, text }, best }: Compared): string {
  return `${said} of ${workload}, ${text(judged)} beside the ${text(best)} of ${best.contender}`;
}

const RELATION: Readonly<Record<Outcome, string>> = { better: 'better than', level: 'level with', worse: 'worse than' };

function phraseOf({ judged }: Comparison, { criterion: { said, text }, best, outcome }: Compared): string {
  return `${said} ${text(judged)}, ${RELATION[outcome]} the ${text(best)} of ${best.contender}`;
}

function bestsOf(runs: readonly Run[]): string {
  const bests = CRITERIA.map((criterion) => {
    const best = bestBy(criterion, runs);
    return best ? `${criterion.best}: ${best.contender}, ${criterion.text(best)}` : '';
  });
  const text = bests.filter(Boolean).join('; ');
  return `${text.charAt(0).toUpperCase()}${text.slice(1)}.`;
}

function aloneOf({ contender, summary }: Run, possibleHitShare: number): string {
  const { requests, makespanSecs, ttftMs, hitShare, errors } = summary;
  const hits =
    hitShare === undefined
      ? ''
      : `, ${percent(hitShare)} % of the prompt tokens from a cache (${percent(possibleHitShare)} % possible)`;
  return `${contender}: ${requests} requests in ${number(makespanSecs, 2)} s, the first token within ${number(ttftMs.p90)} ms for 90 % of them${hits}, ${errors} errors.`;
}
