import { LOAD_SOURCES } from '../fleet/load-report.ts';
import type { Worker } from '../fleet/worker.ts';
import type { ClientRequest } from '../http/edge/client-request.ts';
import { sendJson, sendText } from '../http/respond.ts';
import { askAll, askWorker, failures, goodOnes, headersFor } from './ask-workers.ts';
import type { Call } from './call.ts';
import type { ApiContext } from './context.ts';
import { EngineMetrics } from './fan-out/engine-metrics.ts';
import { isLoads, type LoadAnswer, loadsReport, mergeLoads } from './fan-out/loads.ts';
import { healthyWorkers } from './healthy-workers.ts';
import { jsonOf } from './json-of.ts';

/** Each worker's load in one number, as 0.3.2 has it, and in some more. */
export async function getLoads({ request, response }: Call, { registry }: ApiContext): Promise<void> {
  sendJson(response, 200, loadsReport(await Promise.all(registry.workers.map((worker) => loadOf(worker, request)))));
}

/** The healthy workers' own reports, each rank with its worker. */
export async function getRankLoads({ request, response, query }: Call, context: ApiContext): Promise<void> {
  const path = `/v1/loads${searchOf(request.url)}`;
  const answers = await askAll(healthyWorkers(context), { path, headers: headersFor(request) });
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

async function loadOf(worker: Worker, request: ClientRequest): Promise<LoadAnswer> {
  const problems: string[] = [];
  for (const [path, read] of LOAD_SOURCES) {
    const answer = await askWorker(worker, { path, headers: headersFor(request) });
    if ('problem' in answer) problems.push(answer.problem);
    else {
      const load = read(jsonOf(answer.body));
      if (load) return { worker: worker.url, ...load.total };
      problems.push(`${path} answered something else than loads`);
    }
  }
  return { worker: worker.url, problem: problems.join(', ') };
}

function searchOf(url = ''): string {
  const at = url.indexOf('?');
  return at < 0 ? '' : url.slice(at);
}
