import type { Log } from '../log.ts';
import type { Exchange } from './exchange.ts';
import type { Attempt } from './plans/plan.ts';

/** Gives back whatever the exchange still holds and, when the client has the last byte, tells those who observe; runs once, however it ended. */
export async function settle(exchange: Exchange): Promise<void> {
  const { reply, observed } = exchange;
  exchange.admittedBy?.leave(exchange);
  await reply.flushed();
  observed.end(reply.status, reply.gone);
}

/** What went wrong with one attempt, in the log of those who read all of it. */
export function noteFailure({ observed: { record } }: Exchange, { outcome, targets }: Attempt, log: Log): void {
  if (!log.debugEnabled || outcome.kind === 'answered' || outcome.kind === 'client_gone') return;
  const reason = outcome.kind === 'rejected' ? `status ${outcome.status}` : outcome.error.message;
  const worker = targets.map(({ url }) => url).join(' ');
  log.debug('attempt failed', { id: record.id, path: record.path, worker, reason });
}
