import {
  address,
  count,
  duration,
  hit,
  hits,
  outcome,
  percent,
  percentiles,
  sign,
  span,
  standing,
  UNKNOWN,
  windowName,
} from '../format.ts';
import type { DecisionView, ErrorView, ServerView, Snapshot, WorkerView } from '../snapshot.ts';
import type { Column } from './table.ts';

/** What the tables of `top` and `ps` show. 50/99 are what half and 99 of 100 requests took at most, P/A what was predicted and what was so. */

export const WORKER_COLUMNS: readonly Column<WorkerView>[] = [
  { title: 'WORKER', text: ({ url }) => address(url), most: 40 },
  { title: 'ROLE', text: ({ role }) => (role === 'regular' ? '' : role), spare: 6 },
  { title: 'STATE', text: (worker) => `${sign(standing(worker))} ${standing(worker)}` },
  { title: 'FLIGHT', text: ({ inFlight }) => count(inFlight), right: true },
  {
    title: 'RUN+WAIT',
    text: ({ running, queued }) => (running === null ? UNKNOWN : `${count(running)}+${count(queued)}`),
    right: true,
    spare: 1,
  },
  { title: 'KV', text: ({ kvUse }) => percent(kvUse), right: true },
  { title: 'REQ/S', text: ({ requestsPerSec }) => count(requestsPerSec), right: true, spare: 5 },
  { title: 'TTFT 50/99', text: ({ ttftMs }) => percentiles(ttftMs), right: true, spare: 2 },
  { title: 'ITL 50/99', text: ({ itlMs }) => percentiles(itlMs), right: true, spare: 4 },
  { title: 'HIT P/A', text: ({ hitRate }) => hits(hitRate), right: true, spare: 3 },
  { title: 'FAILED', text: ({ failures }) => count(failures), right: true, spare: 7 },
  { title: 'PROBLEM', text: ({ problem }) => problem ?? '', most: 60, spare: 8 },
];

export const DECISION_COLUMNS: readonly Column<DecisionView>[] = [
  { title: 'TIME', text: ({ time }) => new Date(time).toLocaleTimeString(undefined, { hour12: false }) },
  { title: 'WORKER', text: ({ worker }) => address(worker), most: 40 },
  { title: 'WHY', text: ({ policy, reason }) => `${policy}: ${reason}`, most: 40 },
  {
    title: 'HIT P/A',
    text: ({ predictedHit, actualHit }) => hit(predictedHit, actualHit),
    right: true,
    spare: 2,
  },
  { title: 'FIRST', text: ({ ttftMs }) => duration(ttftMs), right: true, spare: 3 },
  { title: 'WHOLE', text: ({ totalMs }) => duration(totalMs), right: true, spare: 1 },
  { title: 'OUTCOME', text: outcome, most: 30 },
  { title: 'REQUEST', text: ({ route, attempt }) => (attempt > 1 ? `${route} (attempt ${attempt})` : route), spare: 4 },
];

export const ERROR_COLUMNS: readonly Column<ErrorView>[] = [
  { title: 'ERROR', text: ({ cause }) => cause, most: 40 },
  { title: 'SEEN BY', text: ({ seenBy }) => (seenBy === 'client' ? 'clients' : 'router') },
  { title: 'WORKER', text: ({ worker }) => (worker === null ? UNKNOWN : address(worker)), most: 40, spare: 1 },
  { title: 'LATELY', text: ({ count: recent }) => count(recent), right: true },
  { title: 'IN ALL', text: ({ total }) => count(total), right: true },
];

export const SERVER_COLUMNS: readonly Column<ServerView>[] = [
  { title: 'SERVER', text: ({ name, url }) => `${name} ${address(url)}` },
  { title: 'STATE', text: ({ state }) => `${sign(state)} ${state}` },
  { title: 'PHASE', text: ({ phase, progress }) => (progress === null ? phase : `${phase} ${percent(progress)}`) },
  { title: 'START', text: ({ share }) => bar(share), spare: 1 },
  { title: 'SINCE', text: ({ elapsedSecs }) => `${elapsedSecs.toFixed(1)} s`, right: true },
];

const BAR_CELLS = 12;

function bar(share: number): string {
  const filled = Math.round(share * BAR_CELLS);
  return '█'.repeat(filled) + '░'.repeat(BAR_CELLS - filled);
}

/** The lines above the tables. */
export function summaryLines({ router, traffic, lastSecond, workers, time, windowSecs }: Snapshot): string[] {
  const uptimeSecs = (Date.parse(time) - Date.parse(router.startedAt)) / 1000;
  const available = workers.filter((worker) => worker.available).length;
  const all = workers.filter(({ state }) => state !== 'draining').length;
  const policies = Object.values(router.policies).join('/');
  const now = lastSecond ?? traffic;
  return [
    `${sign(router.state)} ${router.state}  ${available} of ${all} workers  ${policies}  up ${span(uptimeSecs)}  version ${router.version}`,
    `in flight ${count(router.inFlight)}  queued ${count(router.queued)}  requests/s ${count(now.requestsPerSec)}  ` +
      `errors/s ${count(now.errorsPerSec)}  output tokens/s ${count(now.outputTokensPerSec)}`,
    `first token ${percentiles(traffic.ttftMs)}  whole ${percentiles(traffic.latencyMs)}  ` +
      `hit rate ${hits(traffic.hitRate)}  (${windowName(windowSecs, uptimeSecs)})`,
  ];
}
