import { ENDPOINTS } from '../http/endpoints.ts';
import type { Families } from '../observe/metrics/families.ts';
import type { HistogramFamily } from '../observe/metrics/family.ts';
import { addTo, countOf, type Distribution, emptyDistribution } from './distribution.ts';

/** What is counted of requests, all of them or those of one worker. */
export interface Counts {
  /** Requests that ended; of a worker, times that it was asked. */
  requests: number;
  errors: number;
  promptTokens: number;
  outputTokens: number;
  /** Prompt tokens of answers that tell what was cached of them. */
  askedTokens: number;
  predictedTokens: number;
  cachedTokens: number;
  readonly ttft: Distribution;
  readonly interToken: Distribution;
}

/** How often one thing went wrong. */
export interface Cause {
  readonly cause: string;
  readonly seenBy: 'client' | 'router';
  readonly worker: string | undefined;
  count: number;
}

/** All counts at one moment. */
export interface Totals {
  readonly atMs: number;
  readonly all: Counts;
  readonly latency: Distribution;
  /** By the URL of the target, which is a worker or one of its ranks. */
  readonly workers: ReadonlyMap<string, Counts>;
  readonly causes: ReadonlyMap<string, Cause>;
}

const OWN_ROUTES: ReadonlySet<string> = new Set(ENDPOINTS.flatMap(({ to, path }) => (to === 'router' ? path : [])));
/** Of a client that left before its answer; no fault of anybody's. */
const CLIENT_LEFT = '499';

/** Adds up what the metrics have counted so far. */
export function readTotals(families: Families, atMs: number): Totals {
  const all = countsFor(families);
  const latency = emptyDistribution(families.requestDuration.bounds);
  for (const [[route], series] of families.requestDuration.entries()) {
    if (OWN_ROUTES.has(route ?? '')) continue;
    addTo(latency, series);
  }
  all.requests = countOf(latency);
  const causes = new Map<string, Cause>();
  readClientErrors(families, all, causes);
  const workers = readWorkers(families, all);
  readWorkerErrors(families, workers, causes);
  return { atMs, all, latency, workers, causes };
}

function countsFor({ ttft, interToken }: Record<'ttft' | 'interToken', HistogramFamily>): Counts {
  return {
    requests: 0,
    errors: 0,
    promptTokens: 0,
    outputTokens: 0,
    askedTokens: 0,
    predictedTokens: 0,
    cachedTokens: 0,
    ttft: emptyDistribution(ttft.bounds),
    interToken: emptyDistribution(interToken.bounds),
  };
}

function readClientErrors({ responses }: Families, all: Counts, causes: Map<string, Cause>): void {
  for (const [[route = '', status = '', code = ''], { value }] of responses.entries()) {
    if (OWN_ROUTES.has(route) || status === CLIENT_LEFT || (code === '' && !isError(status))) continue;
    all.errors += value;
    note(causes, { cause: code || `status ${status}`, seenBy: 'client', worker: undefined, count: value });
  }
}

function readWorkers(families: Families, all: Counts): Map<string, Counts> {
  const workers = new Map<string, Counts>();
  const of = (url: string): Counts => {
    let counts = workers.get(url);
    if (!counts) {
      counts = countsFor(families);
      workers.set(url, counts);
    }
    return counts;
  };
  for (const [[url = ''], { value }] of families.processed.entries()) of(url).requests += value;
  const tokens = [
    [families.promptTokens, 'promptTokens'],
    [families.completionTokens, 'outputTokens'],
    [families.cacheQueried, 'askedTokens'],
    [families.cachePredicted, 'predictedTokens'],
    [families.cacheHit, 'cachedTokens'],
  ] as const;
  for (const [family, field] of tokens) {
    for (const [[url = ''], { value }] of family.entries()) {
      of(url)[field] += value;
      all[field] += value;
    }
  }
  for (const field of ['ttft', 'interToken'] as const) {
    for (const [[url = ''], series] of families[field].entries()) {
      addTo(of(url)[field], series);
      addTo(all[field], series);
    }
  }
  return workers;
}

function readWorkerErrors(families: Families, workers: ReadonlyMap<string, Counts>, causes: Map<string, Cause>): void {
  const add = (cause: string, worker: string, count: number) => {
    const counts = workers.get(worker);
    if (counts) counts.errors += count;
    note(causes, { cause, seenBy: 'router', worker, count });
  };
  for (const [[worker = '', , code = ''], { value }] of families.workerErrors.entries()) add(code, worker, value);
  for (const [[worker = '', , status = ''], { value }] of families.workerResponses.entries()) {
    if (status.startsWith('5')) add(`status ${status}`, worker, value);
  }
  for (const [[worker = ''], { value }] of families.midstreamErrors.entries()) add('answer broke off', worker, value);
  // Where such an event began a stream, its status counts above as that of the answer.
  for (const [[worker = '', , status = ''], { value }] of families.errorEvents.entries()) {
    note(causes, { cause: `error event ${status}`, seenBy: 'router', worker, count: value });
  }
}

function note(causes: Map<string, Cause>, cause: Cause): void {
  if (cause.count === 0) return;
  const key = `${cause.seenBy} ${cause.worker ?? ''} ${cause.cause}`;
  const known = causes.get(key);
  if (known) known.count += cause.count;
  else causes.set(key, cause);
}

function isError(status: string): boolean {
  return status.startsWith('4') || status.startsWith('5');
}
