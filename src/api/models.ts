import { RouterError } from '../errors/errors.ts';
import type { IncomingRequest } from '../http/edge/incoming-request.ts';
import { jsonOf } from '../http/json-of.ts';
import { sendJson } from '../http/respond.ts';
import { askAll, goodOnes, headersFor } from './ask-workers.ts';
import type { Call } from './call.ts';
import type { ApiContext } from './context.ts';
import { type ModelList, mergeModels } from './fan-out/models.ts';
import { servingWorkers } from './healthy-workers.ts';
import { together } from './together.ts';

const PATH = '/v1/models';

/** What the healthy workers serve together. */
export async function getModels({ request, response }: Call, context: ApiContext): Promise<void> {
  sendJson(response, 200, await modelsOf(request, context));
}

/** One of them. */
export async function getModel(
  { request, response, params: { model = '' } }: Call,
  context: ApiContext,
): Promise<void> {
  const { data } = await modelsOf(request, context);
  const found = data.find(({ id }) => id === model);
  if (found) return sendJson(response, 200, found);
  const models = data.map(({ id }) => id);
  throw new RouterError('model_not_found', `model ${model} is not served; there are: ${models.join(', ')}`, {
    details: { param: 'model', models },
  });
}

function modelsOf(request: IncomingRequest, context: ApiContext): Promise<ModelList> {
  return together(context, request, PATH, async () => {
    const answers = await askAll(servingWorkers(context), { path: PATH, headers: headersFor(request) });
    return mergeModels(goodOnes(answers).map(({ body }) => jsonOf(body)));
  });
}
