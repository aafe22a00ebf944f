import { jsonOf } from '../http/json-of.ts';
import { searchOf } from '../http/path.ts';
import { sendJson, sendText } from '../http/respond.ts';
import { askAll, failures, goodOnes, headersFor } from './ask-workers.ts';
import type { Call } from './call.ts';
import type { ApiContext } from './context.ts';
import { askLoad } from './engine-loads.ts';
import { EngineMetrics } from './fan-out/engine-metrics.ts';
import { isLoads, loadsReport, mergeLoads } from './fan-out/loads.ts';
import { healthyWorkers } from './healthy-workers.ts';
import { together } from './together.ts';

/** Each worker's load in one number, as 0.3.2 has it, and in some more. */
export async function getLoads({ request, response }: Call, context: ApiContext): Promise<void> {
  const ask = () => Promise.all(context.registry.workers.map((worker) => askLoad(worker, request)));
  const answers = await together(context, request, 'loads', ask);
  sendJson(response, 200, loadsReport(answers, new Date().toISOString()));
}

/** The healthy workers' own reports, each rank with its worker. */
export async function getRankLoads({ request, response, query }: Call, context: ApiContext): Promise<void> {
  const path = `/v1/loads${searchOf(request.url)}`;
  const ask = () => askAll(healthyWorkers(context), { path, headers: headersFor(request) });
  const answers = await together(context, request, path, ask);
  const good = goodOnes(answers);
  if (query.get('format') === 'prometheus') {
    const metrics = new EngineMetrics();
    for (const { worker, body } of good) metrics.add(worker, body.toString());
    return sendText(response, 200, metrics.render());
  }
  const reports = good.map(({ worker, body }) => ({ worker, report: jsonOf(body) }));
  const odd = reports.filter(({ report }) => !isLoads(report));
  const failed = odd.map(({ worker }) => ({ worker, error: `${path} answered something else than loads` }));
  sendJson(response, 200, { ...mergeLoads(reports), failed: [...failures(answers), ...failed] });
}
