import { sendJson } from '../http/respond.ts';
import type { Call } from './call.ts';
import type { ApiContext } from './context.ts';

/** The URLs of all workers, those left out that were added at run time and are not healthy yet. */
export function listWorkers({ response }: Call, { registry, additions }: ApiContext): void {
  const added = registry.workers.filter((worker) => !additions.pending(worker));
  sendJson(response, 200, { urls: added.map(({ url }) => url) });
}
