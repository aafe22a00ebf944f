import type { Role } from '../fleet/worker-spec.ts';
import type { IncomingRequest } from '../http/edge/incoming-request.ts';
import { jsonOf } from '../http/json-of.ts';
import { sendJsonText } from '../http/respond.ts';
import { askAny, askFirst, goodOnes, headersFor } from './ask-workers.ts';
import type { Call } from './call.ts';
import type { ApiContext } from './context.ts';
import { withoutKeys } from './fan-out/without-keys.ts';
import { servingWorkers } from './healthy-workers.ts';
import { together } from './together.ts';

/** The newer name first. */
const PATHS = ['/server_info', '/get_server_info'];

/** What the first healthy worker that answers says of itself; of prefill and decode servers what all say, as the load balancer of the manual has it. */
export async function serverInfo({ request, response }: Call, context: ApiContext): Promise<void> {
  const ask = context.roles.includes('prefill') ? infoByRole : infoOfOne;
  const text = await together(context, request, 'server info', async () => withoutKeys(await ask(request, context)));
  sendJsonText(response, 200, text);
}

async function infoOfOne(request: IncomingRequest, context: ApiContext): Promise<string> {
  return (await askFirst(servingWorkers(context), PATHS, headersFor(request))).toString();
}

async function infoByRole(request: IncomingRequest, context: ApiContext): Promise<string> {
  const workers = servingWorkers(context);
  const good = goodOnes(await Promise.all(workers.map((worker) => askAny(worker, PATHS, headersFor(request)))));
  const infosOf = (role: Role) => {
    const urls = new Set(workers.filter((worker) => worker.role === role).map(({ url }) => url));
    return good.flatMap(({ worker, body }) => (urls.has(worker) ? [objectOf(jsonOf(body))] : []));
  };
  const [prefill, decode] = [infosOf('prefill'), infosOf('decode')];
  return JSON.stringify({ internal_states: decode.flatMap((info) => info.internal_states ?? []), prefill, decode });
}

function objectOf(value: unknown): { readonly internal_states?: unknown } {
  return typeof value === 'object' && value !== null ? value : {};
}
