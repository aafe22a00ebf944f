import { abortRequest } from './abort-request.ts';
import { addWorker } from './add-worker.ts';
import { Additions } from './additions.ts';
import type { ApiParts } from './context.ts';
import { Dispatcher } from './dispatcher.ts';
import type { Endpoint } from './endpoint.ts';
import { engineMetrics } from './engine-metrics.ts';
import { flushCache } from './flush-cache.ts';
import { health, healthGenerate, readiness } from './health.ts';
import { listWorkers } from './list-workers.ts';
import { getLoads, getRankLoads } from './loads.ts';
import { metrics } from './metrics.ts';
import { modelInfo } from './model-info.ts';
import { getModel, getModels } from './models.ts';
import { removeWorker } from './remove-worker.ts';
import { storedResponse } from './responses.ts';
import { serverInfo } from './server-info.ts';
import { createWorker, deleteWorker, getWorker, getWorkers, updateWorker } from './workers.ts';

/** What the router answers itself. Every other path goes to a worker. */
const ENDPOINTS: readonly Endpoint[] = [
  { method: 'GET', path: '/health', access: 'public', handle: health },
  { method: 'GET', path: '/liveness', access: 'public', handle: health },
  { method: 'GET', path: '/readiness', access: 'public', handle: readiness },
  { method: 'GET', path: '/health_generate', access: 'public', handle: healthGenerate },
  { method: 'GET', path: '/metrics', access: 'admin', handle: metrics },
  { method: 'GET', path: '/engine_metrics', access: 'public', handle: engineMetrics },
  { method: 'GET', path: '/v1/models', access: 'public', handle: getModels },
  { method: 'GET', path: '/v1/models/{model*}', access: 'public', handle: getModel },
  { method: 'GET', path: '/model_info', access: 'public', handle: modelInfo },
  { method: 'GET', path: '/get_model_info', access: 'public', handle: modelInfo },
  { method: 'GET', path: '/server_info', access: 'admin', handle: serverInfo },
  { method: 'GET', path: '/get_server_info', access: 'admin', handle: serverInfo },
  { method: 'GET', path: '/v1/loads', access: 'admin', handle: getRankLoads },
  { method: 'GET', path: '/get_loads', access: 'admin', handle: getLoads },
  { method: 'GET', path: '/flush_cache', access: 'admin', handle: flushCache },
  { method: 'POST', path: '/flush_cache', access: 'admin', handle: flushCache },
  { method: 'POST', path: '/abort_request', access: 'admin', handle: abortRequest },
  { method: 'GET', path: '/v1/responses/{id*}', access: 'admin', handle: storedResponse },
  { method: 'DELETE', path: '/v1/responses/{id*}', access: 'admin', handle: storedResponse },
  { method: 'POST', path: '/v1/responses/{id*}', access: 'admin', handle: storedResponse },
  { method: 'POST', path: '/add_worker', access: 'admin', handle: addWorker },
  { method: 'POST', path: '/remove_worker', access: 'admin', handle: removeWorker },
  { method: 'GET', path: '/list_workers', access: 'admin', handle: listWorkers },
  { method: 'GET', path: '/workers', access: 'admin', handle: getWorkers, errors: 'flat' },
  { method: 'POST', path: '/workers', access: 'admin', handle: createWorker, errors: 'flat' },
  { method: 'GET', path: '/workers/{worker*}', access: 'admin', handle: getWorker, errors: 'flat' },
  { method: 'PUT', path: '/workers/{worker*}', access: 'admin', handle: updateWorker, errors: 'flat' },
  { method: 'DELETE', path: '/workers/{worker*}', access: 'admin', handle: deleteWorker, errors: 'flat' },
];

/** The paths of all, `{…}` standing for what may be any. */
export const OWN_PATHS: readonly string[] = [...new Set(ENDPOINTS.map(({ path }) => path))];

/** The router's own endpoints, ready to answer. */
export function createApi(parts: ApiParts): Dispatcher {
  return new Dispatcher(ENDPOINTS, {
    ...parts,
    additions: new Additions(parts.registry, parts.log),
    underWay: new Map(),
  });
}
