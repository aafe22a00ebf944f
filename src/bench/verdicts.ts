import type { Run } from './report.ts';

/** Figures within this share of each other are level. */
const LEVEL = 0.02;

/** The routers of which one is judged by the others. */
const JUDGED = 'cache_aware';
const YARDSTICK = 'round_robin';

const WORDS = ['best', 'level', 'WORSE'] as const;

/** What is compared with the best peer; for each, less is better, so that hits count upside down. */
const FIGURES: readonly { readonly name: string; readonly value: (run: Run) => number }[] = [
  { name: 'TTFT p90', value: ({ summary }) => summary.ttftMs.p90 },
  { name: 'hit', value: ({ summary }) => 1 / (summary.hitShare ?? 0) },
  { name: 'makespan', value: ({ summary }) => summary.makespanSecs },
];

/** How cache_aware compares with the best peer, and with round_robin, workload by workload; empty where it was not run with them. */
export function verdicts(runs: readonly Run[]): string {
  const lines = [...new Set(runs.map(({ workload }) => workload))].flatMap((workload) => {
    const all = runs.filter((run) => run.workload === workload);
    const judged = all.find(({ contender, own }) => own && contender === JUDGED);
    return judged ? verdict(workload, judged, all) : [];
  });
  if (lines.length === 0) return '';
  const text = lines.join('');
  const sum = WORDS.map((word) => `${word} ${text.split(` ${word}`).length - 1}`).join(', ');
  return `\n${JUDGED} beside the best other router (1 is level, less is better)\n${text}  in all: ${sum}\n`;
}

function verdict(workload: string, judged: Run, all: readonly Run[]): string[] {
  const peers = all.filter(({ own }) => !own);
  const turns = all.find(({ contender, own }) => own && contender === YARDSTICK);
  const parts =
    peers.length > 0 ? FIGURES.map(({ name, value }) => `${name} ${ratio(value(judged), peers.map(value))}`) : [];
  if (turns) {
    parts.push(`makespan ÷ ${YARDSTICK} ${ratio(judged.summary.makespanSecs, [turns.summary.makespanSecs])}`);
  }
  return parts.length > 0 ? [`  ${workload.padEnd(20)}${parts.join('   ')}\n`] : [];
}

function ratio(value: number, others: readonly number[]): string {
  const best = Math.min(...others);
  const quotient = value === best ? 1 : value / best;
  const word = WORDS[quotient < 1 - LEVEL ? 0 : quotient <= 1 + LEVEL ? 1 : 2];
  return `${quotient.toFixed(2)} ${word}`;
}
