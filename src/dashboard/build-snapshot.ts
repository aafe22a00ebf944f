import type { Worker } from '../fleet/worker.ts';
import type { Decisions } from './decisions.ts';
import type { Difference } from './difference.ts';
import { type Distribution, quantile, together } from './distribution.ts';
import type { Facts } from './facts.ts';
import type { ErrorView, Percentiles, Snapshot, TrafficView, WorkerView } from './snapshot.ts';
import type { Counts, Totals } from './totals.ts';
import type { WatchedLoads } from './watched-loads.ts';

/** Causes beyond the most frequent are many workers with one problem. */
const MOST_ERRORS = 50;

/** What is known at one moment. */
interface Moment {
  readonly facts: Facts;
  readonly totals: Totals;
  /** What rates, percentiles and counts are over. */
  readonly window: Difference;
  /** Undefined where nobody looked a second ago. */
  readonly lastSecond: Difference | undefined;
  readonly loads: WatchedLoads;
  readonly decisions: Decisions;
}

export function buildSnapshot({ facts, totals, window, lastSecond, loads, decisions }: Moment): Snapshot {
  const { registry } = facts;
  const launch = facts.launch();
  return {
    format: 1,
    time: new Date().toISOString(),
    windowSecs: round(window.secs, 10),
    router: routerView(facts),
    traffic: trafficOf(window),
    lastSecond: lastSecond ? trafficOf(lastSecond) : null,
    workers: [...registry.workers, ...registry.draining].map((worker) => workerView(worker, facts, window, loads)),
    servers: launch?.servers() ?? [],
    decisions: decisions.read(),
    errors: errorsOf(totals, window),
    failedAdditions: Array.from(facts.failedAdditions(), ({ url, atMs, problem }) => ({
      time: new Date(atMs).toISOString(),
      url,
      problem,
    })),
    rollingRestart: launch?.rollingRestart ?? 'not possible',
  };
}

function routerView(facts: Facts): Snapshot['router'] {
  return {
    version: facts.version,
    startedAt: new Date(performance.timeOrigin).toISOString(),
    state: stateOf(facts),
    policies: Object.fromEntries(facts.policies),
    inFlight: facts.inFlight(),
    queued: facts.queued(),
    connections: facts.connections(),
  };
}

function stateOf({ closed, policies, registry }: Facts): Snapshot['router']['state'] {
  const code = closed()?.code;
  if (code !== undefined) return code === 'starting' ? 'starting' : 'draining';
  const serves = [...policies.keys()].every((role) => registry.available(role).length > 0);
  return serves ? 'serving' : 'no workers';
}

function trafficOf({ secs, all, latency }: Difference): TrafficView {
  return {
    requestsPerSec: rate(all.requests, secs),
    errorsPerSec: rate(all.errors, secs),
    promptTokensPerSec: rate(all.promptTokens, secs),
    outputTokensPerSec: rate(all.outputTokens, secs),
    latencyMs: percentiles(latency),
    ttftMs: percentiles(all.ttft),
    itlMs: percentiles(all.interToken),
    hitRate: hitRateOf([all]),
  };
}

function workerView(
  worker: Worker,
  facts: Facts,
  { secs, worker: countsOf }: Difference,
  loads: WatchedLoads,
): WorkerView {
  const { id, url, role, modelId, spec, state, targets } = worker;
  const load = loads.of(worker);
  const counts = targets.flatMap((target) => countsOf(target.url) ?? []);
  const { usedTokens, kvCapacityTokens = worker.facts.kvCapacityTokens } = load ?? {};
  return {
    id,
    url,
    role,
    model: modelId,
    source: spec.source ?? 'api',
    state: state.kind,
    available: worker.available,
    problem: facts.problemOf(worker) ?? null,
    inFlight: worker.load,
    ranks: targets.flatMap(({ rank, load: inFlight }) => (rank === undefined ? [] : inFlight)),
    running: load?.runningRequests ?? null,
    queued: load?.waitingRequests ?? null,
    kvUse:
      usedTokens !== undefined && kvCapacityTokens ? Math.min(1, round(usedTokens / kvCapacityTokens, 1_000)) : null,
    kvCapacityTokens: kvCapacityTokens ?? null,
    requestsPerSec: rate(
      sum(counts, ({ requests }) => requests),
      secs,
    ),
    failures: sum(counts, ({ errors }) => errors),
    ttftMs: percentiles(...counts.map(({ ttft }) => ttft)),
    itlMs: percentiles(...counts.map(({ interToken }) => interToken)),
    hitRate: hitRateOf(counts),
  };
}

function errorsOf({ causes }: Totals, window: Difference): ErrorView[] {
  const views = Array.from(causes, ([key, { cause, seenBy, worker, count }]) => ({
    cause,
    seenBy,
    worker: worker ?? null,
    count: window.cause(key),
    total: count,
  }));
  return views.sort((a, b) => b.count - a.count || b.total - a.total).slice(0, MOST_ERRORS);
}

function hitRateOf(counts: readonly Counts[]): TrafficView['hitRate'] {
  const asked = sum(counts, ({ askedTokens }) => askedTokens);
  if (asked === 0) return null;
  return {
    predicted: Math.min(1, round(sum(counts, ({ predictedTokens }) => predictedTokens) / asked, 1_000)),
    actual: Math.min(1, round(sum(counts, ({ cachedTokens }) => cachedTokens) / asked, 1_000)),
  };
}

/** Of the observations of all together, in milliseconds. */
function percentiles(first?: Distribution, ...others: readonly Distribution[]): Percentiles {
  if (!first) return { p50: null, p99: null };
  if (others.length > 0) return percentilesOf(together(first.bounds, [first, ...others]));
  let known = percentilesBefore.get(first);
  if (!known) {
    known = percentilesOf(first);
    percentilesBefore.set(first, known);
  }
  return known;
}

const percentilesBefore = new WeakMap<Distribution, Percentiles>();

function percentilesOf(distribution: Distribution): Percentiles {
  const at = (share: number) => {
    const secs = quantile(distribution, share);
    return secs === undefined ? null : round(secs * 1_000, 10);
  };
  return { p50: at(0.5), p99: at(0.99) };
}

function rate(count: number, secs: number): number {
  return round(count / secs, 100);
}

function sum(counts: readonly Counts[], of: (counts: Counts) => number): number {
  return counts.reduce((all, each) => all + of(each), 0);
}

/** To the nearest of so many parts of 1. */
function round(value: number, parts: number): number {
  return Math.round(value * parts) / parts;
}
