import type { Registry } from '../fleet/registry.ts';
import type { ServedModels } from '../fleet/served-models.ts';
import type { Worker } from '../fleet/worker.ts';
import type { Role } from '../fleet/worker-spec.ts';
import type { Metrics } from '../observe/metrics/metrics.ts';
import type { WorkerGauges } from '../observe/metrics/sources.ts';
import type { Policy } from '../scheduler/policies/policy.ts';

/** Has the metrics count each worker while it is registered, and what becomes of it. Series are those of the routed targets and of their server. */
export function followWorkers(metrics: Metrics, registry: Registry, models: ServedModels): void {
  const series = new Map<Worker, ReadonlySet<string>>();
  const follow = (worker: Worker) => {
    if (registry.get(worker.url) !== worker) return;
    const before = series.get(worker);
    const now = new Set([worker.url, ...worker.targets.map(({ url }) => url)]);
    for (const url of now) metrics.addWorker(url, worker.role, worker.modelId);
    for (const url of before ?? []) if (!now.has(url)) metrics.removeWorker(url);
    series.set(worker, now);
  };
  for (const event of ['change', 'learned'] as const) registry.on(event, follow);
  registry.on('remove', (worker) => {
    for (const url of series.get(worker) ?? []) metrics.removeWorker(url);
    series.delete(worker);
  });
  for (const event of ['change', 'learned', 'remove'] as const) registry.on(event, () => metrics.serve(models.ids));
  registry.on('checked', (worker, healthy) => {
    // The first check may come before any change event.
    if (!series.has(worker)) follow(worker);
    metrics.worker(worker.url).healthChecked(healthy);
  });
  registry.on('ejection', ({ url }, { kind, ejected }) => {
    if (ejected !== undefined) metrics.worker(url).ejected(kind);
  });
  registry.on('breaker', ({ url, breaker }, was) => metrics.worker(url).breakerMoved(was, breaker.state));
}

/** The workers as a scrape sees them. */
export function* viewsOf(registry: Registry, policies: ReadonlyMap<Role, Policy>): Iterable<WorkerGauges> {
  for (const { url, role, state, available, conducts, breaker, targets, client, credential } of registry.workers) {
    const policy = policies.get(role);
    const common = {
      role,
      state: state.kind,
      healthy: state.kind === 'ready' && credential.problem === undefined,
      available,
      ejected: conducts.problem !== undefined,
      breaker: {
        state: breaker.state,
        consecutiveFailures: breaker.failures,
        consecutiveSuccesses: breaker.successes,
      },
    };
    // A worker has no targets before its number of ranks is known, and still gets a row.
    if (targets.length === 0) {
      yield { url, running: 0, connections: undefined, indexBlocks: undefined, stickyKeys: undefined, ...common };
    }
    for (const [index, target] of targets.entries()) {
      yield {
        url: target.url,
        running: target.load,
        connections: index === 0 ? client.connections : undefined,
        indexBlocks: policy?.index?.held(target.slot),
        stickyKeys: policy?.keysOn?.(target),
        ...common,
        available: available && target.admits,
      };
    }
  }
}

/** Memory of the prefix indexes; undefined where no policy has one. */
export function indexBytesOf(policies: ReadonlyMap<Role, Policy>): number | undefined {
  const sizes = [...policies.values()].flatMap(({ index }) => (index ? [index.bytes] : []));
  return sizes.length === 0 ? undefined : sizes.reduce((sum, bytes) => sum + bytes, 0);
}
