import { count, hits, percentiles, sign, span, UNKNOWN, windowName } from '../format.ts';
import type { Snapshot } from '../snapshot.ts';
import { byId, create, setAttribute, setText } from './dom.ts';

/** What stands at the top: a name and a figure each. */
const TILES: readonly (readonly [name: string, figure: (snapshot: Snapshot) => string])[] = [
  ['In flight', ({ router }) => count(router.inFlight)],
  ['Queued', ({ router }) => count(router.queued)],
  ['Requests/s', ({ lastSecond }) => count(lastSecond?.requestsPerSec ?? null)],
  ['Errors/s', ({ lastSecond }) => count(lastSecond?.errorsPerSec ?? null)],
  ['Output tokens/s', ({ lastSecond }) => count(lastSecond?.outputTokensPerSec ?? null)],
  ['First token p50 / p99', ({ traffic }) => percentiles(traffic.ttftMs)],
  ['Between tokens p50 / p99', ({ traffic }) => percentiles(traffic.itlMs)],
  ['Whole request p50 / p99', ({ traffic }) => percentiles(traffic.latencyMs)],
  ['Hit rate predicted / actual', ({ traffic }) => hits(traffic.hitRate)],
  ['Connections', ({ router }) => count(router.connections)],
];

const figures: HTMLElement[] = [];

export function showNow(snapshot: Snapshot): void {
  const { router, time, windowSecs, workers } = snapshot;
  const uptimeSecs = (Date.parse(time) - Date.parse(router.startedAt)) / 1000;
  const available = workers.filter((worker) => worker.available).length;
  const all = workers.filter(({ state }) => state !== 'draining').length;
  setText(byId('version'), router.version);
  const policies = Object.entries(router.policies).map(([role, policy]) =>
    role === 'regular' ? policy : `${role}: ${policy}`,
  );
  setText(
    byId('state'),
    `${sign(router.state)} ${router.state} · ${available} of ${all} workers · ${policies.join(', ')}`,
  );
  setAttribute(byId('state'), 'data-state', router.state);
  setText(byId('uptime'), `up ${span(uptimeSecs)}`);
  for (const element of document.querySelectorAll('.window')) setText(element, windowName(windowSecs, uptimeSecs));
  document.title = `${sign(router.state)} ${available}/${all} · sglang-router`;
  if (figures.length === 0) makeTiles();
  for (const [at, [, figure]] of TILES.entries()) setText(figures[at]!, figure(snapshot));
}

function makeTiles(): void {
  for (const [name] of TILES) {
    const figure = create('dd', {}, UNKNOWN);
    figures.push(figure);
    byId('tiles').append(create('div', {}, create('dt', {}, name), figure));
  }
}
