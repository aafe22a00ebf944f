import { RouterError } from '../errors/errors.ts';
import { sendText } from '../http/respond.ts';
import type { Call } from './call.ts';
import type { ApiContext } from './context.ts';
import { fieldsOf } from './fields.ts';
import { readJsonBody } from './json-body.ts';
import { graceOf, urlOf } from './worker-fields.ts';

/**
 * Removes the worker of `?url=` or of a JSON body. Answers at once, while requests run on there; with `grace_secs` when
 * they have ended, or were cut off after that time.
 */
export async function removeWorker({ request, response, query }: Call, { registry }: ApiContext): Promise<void> {
  const fields = { ...(await readJsonBody(request)), ...fieldsOf(query) };
  const url = fields.url ? urlOf(fields) : undefined;
  if (url === undefined) throw new RouterError('bad_request', "Worker URL required. Provide 'url' query parameter");
  const graceMs = graceOf(fields);
  if (!registry.get(url)) throw new RouterError('worker_not_found', `worker ${url} is not known; GET /workers has all`);
  const removed = registry.remove(url, graceMs);
  if (graceMs !== undefined) await removed;
  sendText(response, 200, `Successfully removed worker: ${url}`);
}
