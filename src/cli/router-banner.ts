import type { Config } from '../config/options.ts';
import type { Router } from '../router/router.ts';
import { addressRows, type BannerRow, bannerOf, LABEL_ROOM, limitText } from '../terminal/banner.ts';
import { columnsOf, cutToColumns } from '../terminal/columns.ts';
import type { Paint } from '../terminal/kind.ts';

type Worker = Router['registry']['workers'][number];

/** Of many workers only so many have a line. */
const MOST_SHOWN = 8;

/** Resolves once each worker that the router was started with has answered for the first time, or has not within a check's time. */
export async function workersAsked({ registry }: Router): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>();
  const look = () => {
    if (registry.workers.every(hasBeenAsked)) resolve();
  };
  registry.on('change', look);
  look();
  await promise;
  registry.off('change', look);
}

/** What a router on a terminal begins with: where it serves, with which workers, and a request to paste. */
export function routerBanner(router: Router, config: Config, paint: Paint, columns: number): string {
  const { url, networkUrls, onLoopback } = router;
  const { maxConcurrentRequests, apiKey, pdDisaggregation } = config;
  const dashboardUrl = `${url}/dashboard`;
  const served = {
    ...{ url, networkUrls, onLoopback, dashboardUrl, maxConcurrentRequests },
    keyNeeded: apiKey !== undefined,
  };
  const { workers } = router.registry;
  const ready = workers.filter(isReady);
  const models = [...new Set(ready.map(({ modelId }) => modelId))];
  const rows: readonly BannerRow[] = [
    ...addressRows(served, paint),
    ...workerRows(workers, paint, columns),
    ['Policy', policyText(config)],
    ['Model', ready.length === 0 ? paint('dim', 'as the workers will tell') : models.join(', ')],
    ['Limit', limitText(served, '--max-concurrent-requests')],
    ['Dashboard', paint('cyan', dashboardUrl)],
    ['Process', `${process.pid} (Ctrl-C stops it)`],
  ];
  const roles = pdDisaggregation ? ['prefill', 'decode'] : ['regular'];
  const serves = roles.every((role) => ready.some((worker) => worker.role === role));
  const count = `${ready.length} of ${workers.length} workers`;
  const title = serves ? `ready: ${count}` : `waiting for workers: ${count} are ready`;
  // Where there are several, a request says which it is for.
  const fields = models.length > 1 ? { model: models[0] as string } : {};
  return bannerOf({ title, style: ['bold', serves ? 'green' : 'yellow'], served, rows, fields }, paint);
}

function hasBeenAsked({ state }: Worker): boolean {
  return state.kind !== 'starting' || state.problem !== undefined;
}

function isReady({ state }: Worker): boolean {
  return state.kind === 'ready';
}

function workerRows(workers: readonly Worker[], paint: Paint, columns: number): readonly BannerRow[] {
  if (workers.length === 0) return [['Workers', paint('dim', 'none yet')]];
  const shown = workers.length > MOST_SHOWN ? workers.slice(0, MOST_SHOWN - 1) : workers;
  const texts = shown.map(({ url, role, problem }) => {
    const named = role === 'regular' ? url : `${url} (${role})`;
    // The log has it whole.
    const room = columns - LABEL_ROOM - columnsOf(named) - 2;
    return problem === undefined ? named : `${named}  ${paint('yellow', cutToColumns(problem, room))}`;
  });
  if (shown.length < workers.length) texts.push(`and ${workers.length - shown.length} more`);
  return texts.map((text, at) => [at === 0 ? 'Workers' : '', text]);
}

function policyText({ pdDisaggregation, policy, prefillPolicy = policy, decodePolicy = policy }: Config): string {
  if (!pdDisaggregation) return policy;
  return prefillPolicy === decodePolicy ? prefillPolicy : `${prefillPolicy} for prefill, ${decodePolicy} for decode`;
}
