import { MAX_TIMER_MS } from '../config/values.ts';
import type { Worker } from '../fleet/worker.ts';
import { sendJson } from '../http/respond.ts';
import { askWorker, headersFor } from './ask-workers.ts';
import type { Call } from './call.ts';
import type { ApiContext } from './context.ts';
import { flushReport } from './fan-out/flush.ts';
import { amountOf, fieldsOf } from './fields.ts';

const TIMEOUT_MS = 5_000;

/** Empties the cache of every worker, and with it what is known of that here. `?timeout=` seconds to wait for running requests are the servers' to keep. */
export async function flushCache({ request, response, query }: Call, context: ApiContext): Promise<void> {
  const waitSecs = amountOf(fieldsOf(query), 'timeout') ?? 0;
  const { status, body } = flushReport(await flushWorkers(context.registry.workers, context, request, waitSecs));
  sendJson(response, status, body);
}

/** Empties the caches of those workers for a client; tells what was wrong with each that did not do it. */
export function flushWorkers(
  workers: readonly Worker[],
  { registry, flushLimit }: ApiContext,
  request: Call['request'],
  waitSecs = 0,
) {
  const question = {
    method: 'POST',
    headers: headersFor(request),
    path: waitSecs > 0 ? `/flush_cache?timeout=${waitSecs}` : '/flush_cache',
    timeoutMs: Math.min(TIMEOUT_MS + waitSecs * 1_000, MAX_TIMER_MS),
  } as const;
  const flush = async (worker: Worker) => {
    const answer = await askWorker(worker, question);
    if ('body' in answer) registry.flushed(worker);
    return { worker: worker.url, problem: 'problem' in answer ? answer.problem : undefined };
  };
  return flushLimit.make(workers.length, () => Promise.all(workers.map(flush)));
}
