import type { RouterError } from '../errors.ts';
import { sendJson, sendText } from '../http/respond.ts';
import type { Worker } from '../workers/worker.ts';
import type { Call } from './call.ts';
import type { ApiContext } from './context.ts';

/** 200 while the router runs. */
export function health({ response }: Call): void {
  sendText(response, 200, 'OK');
}

/** 200 when requests are served, else 503 with the reason and how far the start is; what is wrong with each worker that gets none. */
export function readiness({ response }: Call, context: ApiContext): void {
  const { workers } = context.registry;
  const counts = { healthy_workers: workers.filter(isHealthy).length, total_workers: workers.length };
  const waiting = workers.flatMap(({ url, problem }) => (problem === undefined ? [] : { url, problem }));
  const obstacle = obstacleOf(context);
  const stale = staleSources(context);
  const discovery = stale.length > 0 && { discovery: stale };
  if (obstacle === undefined)
    sendJson(response, 200, { status: 'ready', ...counts, ...(waiting.length > 0 && { waiting }), ...discovery });
  else {
    const { reason, details } = obstacle;
    sendJson(response, 503, { status: 'not ready', reason, ...counts, waiting, ...discovery, ...details });
  }
}

/** Sources of workers that cannot say which there are, and since when: the router goes on with those it knows. */
function staleSources({ sources }: ApiContext) {
  return sources().flatMap(({ name, stale }) => {
    if (!stale) return [];
    const { sinceMs, problem } = stale;
    return { source: name, stale_since: new Date(sinceMs).toISOString(), problem };
  });
}

/** As 0.3.2 answers it: no worker is called. */
export function healthGenerate({ response }: Call, context: ApiContext): void {
  if (obstacleOf(context)) sendText(response, 503, 'No routers with healthy workers available');
  else sendText(response, 200, 'At least one router has healthy workers');
}

/** Whether its health checks are good and it takes the router's key. An open circuit breaker does not matter here: it is no news of the server's health. */
export function isHealthy({ state, credential }: Worker): boolean {
  return state.kind === 'ready' && credential.problem === undefined;
}

function obstacleOf({
  registry,
  roles,
  closed,
}: ApiContext): { reason: string; details: RouterError['details'] } | undefined {
  const reason = closed();
  if (reason) return { reason: reason.message, details: reason.details };
  const served = roles.every((role) => registry.workers.some((worker) => worker.role === role && isHealthy(worker)));
  return served ? undefined : { reason: 'insufficient healthy workers', details: undefined };
}
