import { RouterError } from '../errors/errors.ts';
import type { Worker } from '../fleet/worker.ts';
import type { Role } from '../fleet/worker-spec.ts';
import { sendJson } from '../http/respond.ts';
import type { Call } from './call.ts';
import type { ApiContext } from './context.ts';
import { fieldsOf } from './fields.ts';
import { readJsonBody } from './json-body.ts';
import { isHealthy } from './standing.ts';
import { graceOf, patchOf, specOf, urlOf } from './worker-fields.ts';
import { failedInfo, workerInfo } from './worker-info.ts';

const UUID = /^[\da-f]{8}(-[\da-f]{4}){3}-[\da-f]{12}$/i;

/** All workers, and how many of each role are healthy: 0.3.2 registers none before, and callers wait for these numbers. */
export async function getWorkers({ request, response }: Call, context: ApiContext): Promise<void> {
  const { workers } = context.registry;
  const infos = await Promise.all(workers.map((worker) => workerInfo(worker, request, context)));
  const count = (role: Role) => workers.filter((worker) => worker.role === role && isHealthy(worker)).length;
  sendJson(response, 200, {
    workers: infos,
    total: workers.length,
    stats: { prefill_count: count('prefill'), decode_count: count('decode'), regular_count: count('regular') },
  });
}

/** Begins to add a worker; `GET` of the location tells what becomes of it. */
export async function createWorker({ request, response }: Call, context: ApiContext): Promise<void> {
  const { additions, registry, config } = context;
  const spec = specOf(await readJsonBody(request), context);
  const known = registry.get(spec.url);
  if (known && !additions.pending(known)) additions.fail(known.id, known.url, `Worker ${known.url} already exists`);
  const { id, url } = known ?? additions.start(spec, config.workerStartupTimeoutMs).worker;
  const location = `/workers/${id}`;
  response.setHeader('location', location);
  const message = 'Worker addition queued for background processing';
  sendJson(response, 202, { status: 'accepted', worker_id: id, url, location, message });
}

/** One worker, or how far adding it is. */
export async function getWorker({ request, response, params }: Call, context: ApiContext): Promise<void> {
  const { registry, additions } = context;
  const idOrUrl = nameIn(params);
  const worker = registry.get(idOrUrl);
  const failed = additions.failed(idOrUrl);
  if (worker) sendJson(response, 200, await workerInfo(worker, request, context));
  else if (failed) sendJson(response, 200, failedInfo(failed));
  else throw unknown(idOrUrl);
}

/** Changes a worker in place. */
export async function updateWorker({ request, response, params }: Call, { registry }: ApiContext): Promise<void> {
  const patch = patchOf(await readJsonBody(request));
  const worker = workerOf(params, registry);
  registry.update(worker, patch);
  accepted(response, worker, 'Worker update queued for background processing');
}

/** Takes a worker out; requests in flight there may finish, within `grace_secs` where given. */
export function deleteWorker({ response, params, query }: Call, { registry }: ApiContext): void {
  const graceMs = graceOf(fieldsOf(query));
  const worker = workerOf(params, registry);
  void registry.remove(worker.url, graceMs);
  accepted(response, worker, 'Worker removal queued for background processing');
}

function accepted(response: Call['response'], { id }: Worker, message: string): void {
  sendJson(response, 202, { status: 'accepted', worker_id: id, message });
}

function workerOf(params: Call['params'], registry: ApiContext['registry']): Worker {
  const idOrUrl = nameIn(params);
  const worker = registry.get(idOrUrl);
  if (!worker) throw unknown(idOrUrl);
  return worker;
}

/** The UUID or URL in the path. */
function nameIn({ worker = '' }: Call['params']): string {
  if (UUID.test(worker)) return worker.toLowerCase();
  if (/^https?:\/\//i.test(worker)) return urlOf({ url: worker }) as string;
  throw new RouterError('bad_request', `Invalid worker_id '${worker}' (expected UUID or URL-encoded worker URL)`);
}

function unknown(idOrUrl: string): RouterError {
  return new RouterError('worker_not_found', `Worker ${idOrUrl} not found`);
}
