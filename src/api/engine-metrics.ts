import type { IncomingRequest } from '../http/edge/incoming-request.ts';
import { sendTextBytes } from '../http/respond.ts';
import { askWorker, failures, goodOnes, headersFor } from './ask-workers.ts';
import type { Call } from './call.ts';
import type { ApiContext } from './context.ts';
import { EngineMetrics } from './fan-out/engine-metrics.ts';
import { healthyWorkers } from './healthy-workers.ts';
import { together } from './together.ts';

/** The metrics of the healthy workers as one text; a worker that has none is a comment at its end. */
export async function engineMetrics({ request, response }: Call, context: ApiContext): Promise<void> {
  sendTextBytes(response, 200, await together(context, request, 'metrics', () => collect(request, context)));
}

/** Bytes, of which all who ask together are sent the same: with a copy for each some dozens of clients would take gigabytes. */
async function collect(request: IncomingRequest, context: ApiContext): Promise<Buffer> {
  const metrics = new EngineMetrics();
  const ask = healthyWorkers(context).map(async (worker) => {
    const answer = await askWorker(worker, { path: '/metrics', headers: headersFor(request) });
    if ('body' in answer) metrics.add(worker.url, answer.body.toString());
    return answer;
  });
  const answers = await Promise.all(ask);
  goodOnes(answers);
  const missing = failures(answers).map(({ worker, error }) => `# ${worker}: ${error.replaceAll(/\s+/g, ' ')}\n`);
  return Buffer.from(metrics.render() + missing.join(''));
}
