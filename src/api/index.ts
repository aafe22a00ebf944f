import { addWorker } from './add-worker.ts';
import { Additions } from './additions.ts';
import type { ApiParts } from './context.ts';
import { Dispatcher } from './dispatcher.ts';
import type { Endpoint } from './endpoint.ts';
import { health, healthGenerate, readiness } from './health.ts';
import { listWorkers } from './list-workers.ts';
import { removeWorker } from './remove-worker.ts';
import { createWorker, deleteWorker, getWorker, getWorkers, updateWorker } from './workers.ts';

/** What the router answers itself. Every other path goes to a worker. */
const ENDPOINTS: readonly Endpoint[] = [
  { method: 'GET', path: '/health', access: 'public', handle: health },
  { method: 'GET', path: '/liveness', access: 'public', handle: health },
  { method: 'GET', path: '/readiness', access: 'public', handle: readiness },
  { method: 'GET', path: '/health_generate', access: 'public', handle: healthGenerate },
  { method: 'POST', path: '/add_worker', access: 'admin', handle: addWorker },
  { method: 'POST', path: '/remove_worker', access: 'admin', handle: removeWorker },
  { method: 'GET', path: '/list_workers', access: 'admin', handle: listWorkers },
  { method: 'GET', path: '/workers', access: 'admin', handle: getWorkers, errors: 'flat' },
  { method: 'POST', path: '/workers', access: 'admin', handle: createWorker, errors: 'flat' },
  { method: 'GET', path: '/workers/{worker*}', access: 'admin', handle: getWorker, errors: 'flat' },
  { method: 'PUT', path: '/workers/{worker*}', access: 'admin', handle: updateWorker, errors: 'flat' },
  { method: 'DELETE', path: '/workers/{worker*}', access: 'admin', handle: deleteWorker, errors: 'flat' },
];

/** The router's own endpoints, ready to answer. */
export function createApi(parts: ApiParts): Dispatcher {
  return new Dispatcher(ENDPOINTS, { ...parts, additions: new Additions(parts.registry, parts.log) });
}
