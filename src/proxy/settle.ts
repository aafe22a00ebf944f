import type { Log } from '../log.ts';
import type { Exchange } from './exchange.ts';
import type { Target } from './target.ts';

/** Gives back whatever the exchange still holds and writes its line in the log; runs once, however it ended. */
export function settle(exchange: Exchange, target: Target | undefined, log: Log): void {
  exchange.leave?.();
  if (!log.debugEnabled) return;
  const { request, response } = exchange;
  log.debug('request', {
    method: request.method,
    path: request.url,
    status: exchange.gone ? 'client left' : response.statusCode,
    worker: target?.url,
    ms: Math.round(performance.now() - exchange.startedMs),
  });
}
