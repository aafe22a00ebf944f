import type { Answer } from './client.ts';
import type { Counters } from './counters.ts';
import { hotspot, type Spread, spread } from './statistics.ts';

/** What an answer must keep to count as good. */
export interface Objective {
  readonly ttftMs: number;
  readonly itlMs: number;
}

/** The figures of one run. Shares are between 0 and 1; undefined where nobody told. */
export interface Summary {
  readonly requests: number;
  readonly errors: number;
  /** What went wrong → how often, the most frequent first. */
  readonly errorKinds: Readonly<Record<string, number>>;
  readonly makespanSecs: number;
  readonly ttftMs: Spread;
  readonly itlMs: Spread;
  readonly outputTokensPerSec: number;
  /** Requests a second that met the objective. */
  readonly goodput: number;
  /** Of the prompt tokens, those that were in the cache of the engine that served them. */
  readonly hitShare: number | undefined;
  readonly predictedShare: number | undefined;
  /** Of the requests, those of each worker. */
  readonly workerShares: readonly number[];
  /** Workers × largest share: 1 is even. */
  readonly hotspot: number | undefined;
  /** Seconds that simulated engines fell behind: not 0 says that the machine was too slow for the run. */
  readonly lostSecs: number;
}

/** `counted` is what the engines say; answers and their headers speak where there is none. */
export function summarize(
  answers: readonly Answer[],
  counted: readonly (Counters | undefined)[],
  objective: Objective,
): Summary {
  const good = answers.filter(({ error }) => error === undefined);
  const startMs = min(answers.map(({ sentMs }) => sentMs));
  const makespanSecs = (max(answers.map(({ endMs }) => endMs)) - startMs) / 1000;
  const ttftMs = good.map(({ sentMs, firstMs, endMs }) => (firstMs ?? endMs) - sentMs);
  const met = good.filter(
    (answer, i) => (ttftMs[i] as number) <= objective.ttftMs && meanGap(answer) <= objective.itlMs,
  );
  const known = counted.filter((one) => one !== undefined);
  const byWorker = known.length > 0 ? known.map(({ requests }) => requests) : requestsByHeader(good);
  return {
    requests: answers.length,
    errors: answers.length - good.length,
    errorKinds: kindsOf(answers),
    makespanSecs,
    ttftMs: spread(ttftMs),
    itlMs: spread(good.flatMap(({ gapsMs }) => gapsMs)),
    outputTokensPerSec: sum(good.map(({ outputTokens }) => outputTokens)) / makespanSecs,
    goodput: met.length / makespanSecs,
    hitShare: known.length > 0 ? hitOf(known) : hitOf(good),
    predictedShare: predictedOf(good),
    workerShares: byWorker.map((requests) => requests / Math.max(1, sum(byWorker))),
    hotspot: byWorker.length > 0 ? hotspot(byWorker) : undefined,
    lostSecs: sum(known.map(({ lostSecs }) => lostSecs)),
  };
}

interface Tokens {
  readonly promptTokens: number | undefined;
  readonly cachedTokens: number | undefined;
}

function hitOf(counts: readonly Tokens[]): number | undefined {
  const prompt = sum(counts.map(({ promptTokens }) => promptTokens ?? 0));
  const cached = counts.filter(({ cachedTokens }) => cachedTokens !== undefined);
  return prompt > 0 && cached.length > 0
    ? sum(cached.map(({ cachedTokens }) => cachedTokens ?? 0)) / prompt
    : undefined;
}

/** Weighted by length, as the actual share is. */
function predictedOf(answers: readonly Answer[]): number | undefined {
  const told = answers.filter(({ predictedShare }) => predictedShare !== undefined);
  if (told.length === 0) return undefined;
  const weights = told.map(({ promptTokens }) => promptTokens ?? 1);
  return sum(told.map(({ predictedShare = 0 }, i) => predictedShare * (weights[i] as number))) / sum(weights);
}

function requestsByHeader(answers: readonly Answer[]): readonly number[] {
  const counts = new Map<string, number>();
  for (const { worker } of answers) if (worker !== undefined) counts.set(worker, (counts.get(worker) ?? 0) + 1);
  return [...counts].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, count]) => count);
}

function kindsOf(answers: readonly Answer[]): Record<string, number> {
  const kinds = new Map<string, number>();
  for (const { error } of answers) if (error !== undefined) kinds.set(error, (kinds.get(error) ?? 0) + 1);
  return Object.fromEntries([...kinds].sort(([, a], [, b]) => b - a));
}

function meanGap({ gapsMs }: Answer): number {
  return gapsMs.length > 0 ? sum(gapsMs) / gapsMs.length : 0;
}

function sum(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0);
}

function min(values: readonly number[]): number {
  return values.reduce((least, value) => Math.min(least, value), Number.POSITIVE_INFINITY);
}

function max(values: readonly number[]): number {
  return values.reduce((most, value) => Math.max(most, value), Number.NEGATIVE_INFINITY);
}
