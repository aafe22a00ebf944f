import type { Log } from '../log.ts';
import type { Exchange } from './exchange.ts';
import type { Attempt } from './plans/plan.ts';

/** Gives back whatever the exchange still holds and writes its line in the log; runs once, however it ended. */
export function settle(exchange: Exchange, last: Attempt | undefined, log: Log): void {
  exchange.leave?.();
  if (!log.debugEnabled) return;
  const { request, response } = exchange;
  log.debug('request', {
    method: request.method,
    path: request.url,
    status: exchange.gone ? 'client left' : response.statusCode,
    worker: last?.targets.map(({ url }) => url).join(' '),
    ms: Math.round(performance.now() - exchange.startedMs),
  });
}

/** What went wrong with one attempt, in the log of those who read all of it. */
export function noteFailure({ request }: Exchange, { outcome, targets }: Attempt, log: Log): void {
  if (!log.debugEnabled || outcome.kind === 'answered' || outcome.kind === 'client_gone') return;
  const reason = outcome.kind === 'rejected' ? `status ${outcome.status}` : outcome.error.message;
  log.debug('attempt failed', { path: request.url, worker: targets.map(({ url }) => url).join(' '), reason });
}
