import { setTimeout as delay } from 'node:timers/promises';
import { type ApiCall, sendEmpty, sendText } from './api-call.ts';
import { parseBody } from './body.ts';
import type { SimContext } from './context.ts';

const FLUSHED =
  'Cache flushed.\nPlease check backend logs for more details. ' +
  '(When there are running or waiting requests, the operation will not be performed.)\n';

/** GET /health, /health_generate, /ready: 503 while starting. */
export async function health({ options, ready }: SimContext, { response }: ApiCall): Promise<void> {
  if (ready() && options.healthSecs > 0) await delay(options.healthSecs * 1000);
  sendEmpty(response, ready() ? 200 : 503);
}

/** GET /ping. */
export function ping(_context: SimContext, { response }: ApiCall): void {
  sendEmpty(response, 200);
}

/** GET or POST /flush_cache. */
export function flushCache({ ranks }: SimContext, { response }: ApiCall): void {
  if (!ranks.every(({ engine }) => engine.idle)) {
    sendText(response, 400, 'Flush cache failed.\n');
    return;
  }
  for (const { engine } of ranks) engine.flush();
  sendText(response, 200, FLUSHED);
}

/** POST /abort_request with `rid`, the start of a request id, or `abort_all`. */
export function abortRequest({ ranks }: SimContext, { response, body: bytes }: ApiCall): void {
  const { rid, abort_all: all } = parseBody(bytes);
  for (const { engine } of ranks) {
    if (all === true) engine.abort(() => true, 'Aborted');
    else if (typeof rid === 'string' && rid !== '') engine.abort((job) => job.id.startsWith(rid), 'Aborted');
  }
  sendEmpty(response, 200);
}
