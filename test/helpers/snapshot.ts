import type { DecisionView, ErrorView, Snapshot, TrafficView, WorkerView } from '../../src/dashboard/snapshot.ts';

const NONE = { p50: null, p99: null };

export const TRAFFIC: TrafficView = {
  requestsPerSec: 41,
  errorsPerSec: 0.5,
  promptTokensPerSec: 9_000,
  outputTokensPerSec: 1_200,
  latencyMs: { p50: 412, p99: 2_310 },
  ttftMs: { p50: 41, p99: 230 },
  itlMs: { p50: 8.1, p99: 20 },
  hitRate: { predicted: 0.8, actual: 0.76 },
};

/** A worker that serves, its port 31000 + `number`, with these fields changed. */
export function workerView(number: number, fields: Partial<WorkerView> = {}): WorkerView {
  return {
    id: `id-${number}`,
    url: `http://127.0.0.1:${31_000 + number}`,
    role: 'regular',
    model: 'qwen',
    source: 'launch',
    state: 'ready',
    available: true,
    problem: null,
    inFlight: 3,
    ranks: [],
    running: 2,
    queued: 1,
    kvUse: 0.63,
    kvCapacityTokens: 400_000,
    requestsPerSec: 10.2,
    failures: 0,
    ttftMs: { p50: 41, p99: 230 },
    itlMs: NONE,
    hitRate: null,
    ...fields,
  };
}

/** A choice of the worker with that number. */
export function decisionView(number: number, fields: Partial<DecisionView> = {}): DecisionView {
  return {
    time: '2026-11-29T08:00:00.000Z',
    request: `gnt-${number}`,
    route: '/generate',
    model: null,
    attempt: 1,
    worker: `http://127.0.0.1:${31_000 + number}`,
    policy: 'cache_aware',
    reason: 'match',
    predictedHit: 0.97,
    actualHit: null,
    state: 'ended',
    status: 200,
    error: null,
    ttftMs: 12,
    totalMs: 200,
    scores: [],
    ...fields,
  };
}

export const ERROR: ErrorView = {
  cause: 'status 500',
  seenBy: 'router',
  worker: 'http://127.0.0.1:31001',
  count: 2,
  total: 7,
};

/** A router that serves with two workers, with these fields changed. */
export function snapshotWith(fields: Partial<Snapshot> = {}): Snapshot {
  return {
    format: 1,
    time: '2026-11-29T08:00:00.000Z',
    windowSecs: 60,
    router: {
      version: '1.0.0',
      startedAt: '2026-11-29T07:00:00.000Z',
      state: 'serving',
      policies: { regular: 'cache_aware' },
      inFlight: 6,
      queued: 0,
      connections: 12,
    },
    traffic: TRAFFIC,
    lastSecond: TRAFFIC,
    workers: [workerView(0), workerView(1)],
    servers: [],
    decisions: [decisionView(0)],
    errors: [ERROR],
    failedAdditions: [],
    rollingRestart: 'not possible',
    ...fields,
  };
}
