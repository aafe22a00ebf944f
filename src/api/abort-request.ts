import { sendJson, sendJsonText, sendText } from '../http/respond.ts';
import { askAll, failures, goodOnes, headersFor, refusalOf } from './ask-workers.ts';
import type { Call } from './call.ts';
import type { ApiContext } from './context.ts';
import { answeringWorkers } from './healthy-workers.ts';

const MAX_BYTES = 2 ** 20;

/** Told to every worker that answers: whose request it is only they know. 200 without a body, as a server answers it; 206 where some could not be told, and what they say where all find fault with the request. */
export async function abortRequest({ request, response }: Call, context: ApiContext): Promise<void> {
  const body = await request.body(MAX_BYTES);
  const { 'content-type': contentType = 'application/json' } = request.headers;
  const headers = { ...headersFor(request), 'content-type': contentType };
  const answers = await askAll(answeringWorkers(context), { method: 'POST', path: '/abort_request', body, headers });
  const refusal = refusalOf(answers);
  if (refusal) {
    sendJsonText(response, refusal.status, refusal.body.toString());
    return;
  }
  const told = goodOnes(answers).map(({ worker }) => worker);
  const failed = failures(answers);
  if (failed.length === 0) sendText(response, 200, '');
  else sendJson(response, 206, { status: 'partial_success', successful: told, failed });
}
