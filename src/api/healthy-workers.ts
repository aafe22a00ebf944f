import type { Worker } from '../fleet/worker.ts';
import type { ApiContext } from './context.ts';
import { isHealthy } from './standing.ts';

/** The workers that are healthy. Throws a RouterError where there is none. */
export function healthyWorkers({ registry, missing }: ApiContext): readonly Worker[] {
  const healthy = registry.workers.filter(isHealthy);
  if (healthy.length === 0) throw missing();
  return healthy;
}

/** The workers that may know of earlier requests: those that answer at all, and those that were removed and still run requests. Throws a RouterError where there is none. */
export function answeringWorkers({ registry, missing }: ApiContext): readonly Worker[] {
  const answering = [...registry.workers.filter(({ up }) => up), ...registry.draining];
  if (answering.length === 0) throw missing();
  return answering;
}

/** The healthy ones for what clients take as a sign that they are served: throws a RouterError while they are not. */
export function servingWorkers(context: ApiContext): readonly Worker[] {
  const reason = context.closed();
  if (reason) throw reason;
  return healthyWorkers(context);
}
