import type { RouterError } from '../errors/errors.ts';
import { sendJson, sendText } from '../http/respond.ts';
import type { Call } from './call.ts';
import type { ApiContext } from './context.ts';
import { isHealthy, standingOf } from './standing.ts';

/** 200 while the router runs. */
export function health({ response }: Call): void {
  sendText(response, 200, 'OK');
}

/** 200 when requests are served, `degraded` where not all workers get them, else 503 with the reason and how far the start is. */
export function readiness({ response }: Call, context: ApiContext): void {
  const { waiting, ...fleet } = fleetOf(context);
  const obstacle = obstacleOf(context);
  const stale = staleSources(context);
  const discovery = stale.length > 0 && { discovery: stale };
  if (obstacle === undefined) {
    const out = waiting.length > 0 && { waiting };
    sendJson(response, 200, { status: out ? 'degraded' : 'ready', ...fleet, ...out, ...discovery });
  } else {
    const { reason, details } = obstacle;
    sendJson(response, 503, { status: 'not ready', reason, ...fleet, waiting, ...discovery, ...details });
  }
}

/** How many workers there are, and what is wrong with each that does not get its share of the requests or is not what it was given as. */
function fleetOf(context: ApiContext) {
  const { workers } = context.registry;
  const waiting = workers.flatMap((worker) => {
    const standing = standingOf(worker, context);
    return standing ? { url: worker.url, ...standing } : [];
  });
  const warnings = workers.flatMap(({ url, mismatch }) => (mismatch === undefined ? [] : { url, warning: mismatch }));
  return {
    healthy_workers: workers.filter(isHealthy).length,
    // Where a rank hangs its server is still asked.
    available_workers: workers.length - waiting.filter(({ reason }) => reason !== 'rank').length,
    total_workers: workers.length,
    ...(warnings.length > 0 && { warnings }),
    waiting,
  };
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
