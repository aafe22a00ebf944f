import { readTimer } from '../config/values.ts';
import { RouterError } from '../errors/errors.ts';
import { sendText } from '../http/respond.ts';
import type { Call } from './call.ts';
import type { ApiContext } from './context.ts';
import { countOf, fieldsOf } from './fields.ts';
import { readJsonBody } from './json-body.ts';
import { specOf } from './worker-fields.ts';

/** Adds the worker of `?url=` or of a JSON body, and answers when it is healthy. */
export async function addWorker({ request, response, query }: Call, context: ApiContext): Promise<void> {
  const { additions, config } = context;
  if (query.has('api_key')) {
    throw new RouterError('bad_request', 'expected api_key in a JSON body, got it in the URL, which logs may keep');
  }
  const fields = { ...(await readJsonBody(request)), ...fieldsOf(query) };
  if (!fields.url) {
    throw new RouterError('bad_request', "Worker URL required. Provide 'url' query parameter");
  }
  const timeoutMs = countOf(fields, 'timeout_secs', (word) => readTimer(word, { min: 1 }));
  const spec = specOf(fields, context);
  const { worker, healthy } = additions.start(spec, timeoutMs ?? config.workerStartupTimeoutMs);
  await healthy;
  sendText(response, 200, `Successfully added worker: ${worker.url}`);
}
