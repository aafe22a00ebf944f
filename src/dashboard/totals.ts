import { ENDPOINTS } from '../http/endpoints.ts';
import type { Families } from '../observe/metrics/families.ts';
import type { HistogramFamily } from '../observe/metrics/family.ts';
import type { Histogram } from '../observe/metrics/series.ts';
import { countOf, type Distribution, nothing, read, together } from './distribution.ts';

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
  ttft: Distribution;
  interToken: Distribution;
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

/** Adds up what the metrics have counted so far. Of a worker of which that is what it was at an `earlier` moment the counts are the same object. */
export function readTotals(families: Families, atMs: number, earlier?: Totals): Totals {
  const all = countsFor(families);
  const { bounds } = families.requestDuration;
  const latency = together(bounds, clientRequests(families.requestDuration));
  all.requests = countOf(latency);
  const causes = new Map<string, Cause>();
  readClientErrors(families, all, causes);
  const workers = readWorkers(families, all, earlier);
  readWorkerErrors(families, workers, causes);
  for (const [url, counts] of workers) {
    const known = earlier?.workers.get(url);
    if (known && areSame(known, counts)) workers.set(url, known);
  }
  return { atMs, all, latency, workers, causes };
}

function* clientRequests(durations: HistogramFamily): Iterable<Histogram> {
  for (const [[route], series] of durations.entries()) if (!OWN_ROUTES.has(route ?? '')) yield series;
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
    ttft: nothing(ttft.bounds),
    interToken: nothing(interToken.bounds),
  };
}

function readClientErrors({ responses }: Families, all: Counts, causes: Map<string, Cause>): void {
  for (const [[route = '', status = '', code = ''], { value }] of responses.entries()) {
    if (OWN_ROUTES.has(route) || status === CLIENT_LEFT || (code === '' && !isError(status))) continue;
    all.errors += value;
    note(causes, { cause: code || `status ${status}`, seenBy: 'client', worker: undefined, count: value });
  }
}

function readWorkers(families: Families, all: Counts, earlier: Totals | undefined): Map<string, Counts> {
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
    const { bounds } = families[field];
    const every: Distribution[] = [];
    for (const [[url = ''], series] of families[field].entries()) {
      const one = read(series, earlier?.workers.get(url)?.[field]);
      const counts = of(url);
      // With several models it has several.
      counts[field] = counts[field] === nothing(bounds) ? one : together(bounds, [counts[field], one]);
      every.push(one);
    }
    all[field] = together(bounds, every);
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

function areSame(one: Counts, other: Counts): boolean {
  for (const field in one) if (one[field as keyof Counts] !== other[field as keyof Counts]) return false;
  return true;
}
