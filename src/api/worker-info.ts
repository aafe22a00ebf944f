import type { Worker } from '../fleet/worker.ts';
import { UNKNOWN_MODEL } from '../fleet/worker-spec.ts';
import type { IncomingRequest } from '../http/edge/incoming-request.ts';
import type { Addition, FailedAddition } from './additions.ts';
import type { ApiContext } from './context.ts';
import { engineLoad } from './fan-out/loads.ts';
import { isHealthy, standingOf } from './standing.ts';

/** A worker, or what becomes of adding it, in the JSON of sglang-router 0.3.2's workers API. */
export async function workerInfo(
  worker: Worker,
  request: IncomingRequest,
  context: Pick<ApiContext, 'additions' | 'unserved' | 'engineLoads'>,
): Promise<object> {
  const { additions, engineLoads } = context;
  const load = await engineLoads.of(worker, request);
  const pending = additions.pending(worker);
  if (pending) return unfinished(worker, processing(pending));
  const failed = additions.failed(worker.id);
  return {
    ...registered(worker, context),
    ...(load && { engine_load: engineLoad(load) }),
    ...(failed && { job_status: failure(failed) }),
  };
}

/** What is left of a worker that could not be added. */
export function failedInfo(failed: FailedAddition): object {
  return unfinished(failed, failure(failed));
}

function registered(worker: Worker, context: Pick<ApiContext, 'unserved'>) {
  const { spec, role, mismatch } = worker;
  const standing = standingOf(worker, context);
  const metadata = metadataOf(worker);
  const ranks = worker.targets
    .filter(({ rank }) => rank !== undefined)
    .map(({ rank, url, load, problem }) => ({ rank, url, load, ...(problem !== undefined && { problem }) }));
  return {
    id: worker.id,
    url: worker.url,
    model_id: worker.modelId,
    ...(worker.modelId !== UNKNOWN_MODEL && { models: modelsOf(worker) }),
    priority: spec.priority ?? 50,
    cost: spec.cost ?? 1,
    worker_type: role,
    is_healthy: isHealthy(worker),
    // Ours: why it does not get its share of the requests, and whether it is what it was given as.
    ...(standing && { problem: standing.problem, problem_reason: standing.reason }),
    ...(mismatch !== undefined && { warning: mismatch }),
    load: worker.load,
    connection_mode: 'HTTP',
    ...(worker.bootstrapPort !== null && { bootstrap_port: worker.bootstrapPort }),
    ...(ranks.length > 0 && { dp_ranks: ranks }),
    ...(Object.keys(metadata).length > 0 && { metadata }),
    disable_health_check: worker.health.disabled,
  };
}

/** What it serves, as smg has it: its own model, or all that it lists where its server info names none. */
function modelsOf({ modelId, facts }: Worker) {
  const { listedModels = [], contextLength, modelType, architectures } = facts;
  const own = { id: modelId, context_length: contextLength, hf_model_type: modelType, architectures };
  return [own, ...listedModels.filter((id) => id !== modelId).map((id) => ({ id }))];
}

/** What the server told of itself and what the client said of it, all as text. */
function metadataOf({ facts, spec }: Worker): Record<string, string> {
  const values = {
    model_path: facts.modelPath,
    served_model_name: facts.servedModelName,
    tp_size: facts.tpSize,
    dp_size: facts.dpSize,
    load_balance_method: facts.loadBalanceMethod,
    disaggregation_mode: facts.disaggregationMode,
    model_type: facts.modelType,
    architectures: facts.architectures && JSON.stringify(facts.architectures),
    context_length: facts.contextLength,
    max_total_tokens: facts.kvCapacityTokens,
    version: facts.version,
    priority: spec.priority,
    cost: spec.cost,
    ...spec.labels,
  };
  const known = Object.entries(values).filter(([, value]) => value !== undefined);
  return Object.fromEntries(known.map(([name, value]) => [name, String(value)]));
}

function unfinished({ id, url }: { readonly id: string; readonly url: string }, status: JobStatus) {
  return {
    id,
    url,
    model_id: 'unknown',
    priority: 0,
    cost: 1,
    worker_type: 'unknown',
    is_healthy: false,
    load: 0,
    connection_mode: 'unknown',
    disable_health_check: false,
    job_status: status,
  };
}

interface JobStatus {
  readonly job_type: 'AddWorker';
  readonly worker_url: string;
  readonly status: 'processing' | 'failed';
  readonly message: string | null;
  /** Unix time in seconds. */
  readonly timestamp: number;
}

function processing({ worker: { url, problem }, sinceMs }: Addition): JobStatus {
  return jobStatus(url, 'processing', problem ?? null, sinceMs);
}

function failure({ url, problem, atMs }: FailedAddition): JobStatus {
  return jobStatus(url, 'failed', problem, atMs);
}

function jobStatus(url: string, status: JobStatus['status'], message: string | null, ms: number): JobStatus {
  return { job_type: 'AddWorker', worker_url: url, status, message, timestamp: Math.floor(ms / 1000) };
}
