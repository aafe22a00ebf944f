import type { Worker } from '../fleet/worker.ts';
import type { Out } from '../fleet/worker-state.ts';

/** What keeps requests from a worker, as clients of the API are told; undefined when it gets its share. */
export interface Standing {
  readonly reason: Out['reason'] | 'unknown_model';
  readonly problem: string;
}

export function standingOf(
  worker: Worker,
  { unserved }: { readonly unserved: (worker: Worker) => string | undefined },
): Standing | undefined {
  const { out } = worker;
  if (out) return out;
  const problem = unserved(worker);
  return problem === undefined ? undefined : { reason: 'unknown_model', problem };
}

/** Whether its health checks are good and it takes the router's key. An open circuit breaker does not matter here: it is no news of the server's health. */
export function isHealthy({ state, credential }: Worker): boolean {
  return state.kind === 'ready' && credential.problem === undefined;
}
