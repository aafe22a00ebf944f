import { type Distribution, since } from './distribution.ts';
import type { Counts, Totals } from './totals.ts';

/** What was counted between two moments. What belongs to a worker that is gone is missing in the later one: nothing is ever below 0. */
export interface Difference {
  readonly secs: number;
  readonly all: Counts;
  readonly latency: Distribution;
  worker(url: string): Counts | undefined;
  cause(key: string): number;
}

/** From `before`, or from nothing, to `now`; `startedMs` is when counting began. */
export function difference(now: Totals, before: Totals | undefined, startedMs: number): Difference {
  return {
    secs: Math.max(0.001, (now.atMs - (before?.atMs ?? startedMs)) / 1000),
    all: minus(now.all, before?.all),
    latency: since(now.latency, before?.latency),
    worker: (url) => {
      const counts = now.workers.get(url);
      return counts && minus(counts, before?.workers.get(url));
    },
    cause: (key) => less(now.causes.get(key)?.count ?? 0, before?.causes.get(key)?.count),
  };
}

/** What was made of counts last. */
const known = new WeakMap<Counts, { readonly before: Counts; readonly difference: Counts }>();

function minus(now: Counts, before: Counts | undefined): Counts {
  if (!before) return now;
  const last = known.get(now);
  if (last?.before === before) return last.difference;
  const difference = {
    requests: less(now.requests, before.requests),
    errors: less(now.errors, before.errors),
    promptTokens: less(now.promptTokens, before.promptTokens),
    outputTokens: less(now.outputTokens, before.outputTokens),
    askedTokens: less(now.askedTokens, before.askedTokens),
    predictedTokens: less(now.predictedTokens, before.predictedTokens),
    cachedTokens: less(now.cachedTokens, before.cachedTokens),
    ttft: since(now.ttft, before.ttft),
    interToken: since(now.interToken, before.interToken),
  };
  known.set(now, { before, difference });
  return difference;
}

function less(now: number, before = 0): number {
  return Math.max(0, now - before);
}
