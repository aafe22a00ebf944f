import { sendJsonText } from '../http/respond.ts';
import { askFirst, headersFor } from './ask-workers.ts';
import type { Call } from './call.ts';
import type { ApiContext } from './context.ts';
import { withoutKeys } from './fan-out/without-keys.ts';
import { servingWorkers } from './healthy-workers.ts';
import { together } from './together.ts';

/** The newer name first. */
const PATHS = ['/model_info', '/get_model_info'];

/** What the first healthy worker that answers says of its model. */
export async function modelInfo({ request, response }: Call, context: ApiContext): Promise<void> {
  const body = await together(context, request, 'model info', async () =>
    askFirst(servingWorkers(context), PATHS, headersFor(request)),
  );
  sendJsonText(response, 200, withoutKeys(body.toString()));
}
