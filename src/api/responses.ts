import { RouterError } from '../errors.ts';
import { sendJsonText } from '../http/respond.ts';
import { askAll, goodOnes, headersFor, type Question, refusalOf } from './ask-workers.ts';
import type { Call } from './call.ts';
import type { ApiContext } from './context.ts';
import { answeringWorkers } from './healthy-workers.ts';

/** A stored response, or its cancellation, is with the worker that made it: asks all, and passes on the first good answer, else what they refused it with. */
export async function storedResponse({ request, response, params }: Call, context: ApiContext): Promise<void> {
  const { pathname, search } = new URL(request.url ?? '/', 'http://router');
  if (!pathname.startsWith('/v1/responses/'))
    throw new RouterError('bad_request', `expected the id of a response, got ${params.id}`);
  const question: Question = {
    method: request.method as NonNullable<Question['method']>,
    path: pathname + search,
    headers: headersFor(request),
  };
  const answers = await askAll(answeringWorkers(context), question);
  const refusal = refusalOf(answers);
  if (refusal) sendJsonText(response, refusal.status, refusal.body.toString());
  else sendJsonText(response, 200, String(goodOnes(answers)[0]?.body));
}
