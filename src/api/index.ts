import type { OwnPath } from '../http/endpoints.ts';
import { abortRequest } from './abort-request.ts';
import { addWorker } from './add-worker.ts';
import type { Handlers } from './call.ts';
import type { ApiParts } from './context.ts';
import { dashboardFeed, dashboardFile, dashboardPage, dashboardSnapshot, signIn, signOut } from './dashboard.ts';
import { dashboardAction } from './dashboard-actions.ts';
import { Dispatcher } from './dispatcher.ts';
import { EngineLoads } from './engine-loads.ts';
import { engineMetrics } from './engine-metrics.ts';
import { FanOutLimit } from './fan-out-limit.ts';
import { flushCache } from './flush-cache.ts';
import { dashboardFolder, favicon, frontPage } from './front-page.ts';
import { health, healthGenerate, readiness } from './health.ts';
import { listWorkers } from './list-workers.ts';
import { getLoads, getRankLoads } from './loads.ts';
import { metrics } from './metrics.ts';
import { modelInfo } from './model-info.ts';
import { getModel, getModels } from './models.ts';
import { Questions } from './questions.ts';
import { removeWorker } from './remove-worker.ts';
import { routerChoices } from './router-choices.ts';
import { serverInfo } from './server-info.ts';
import { createWorker, deleteWorker, getWorker, getWorkers, updateWorker } from './workers.ts';

/** How the router answers each of its own paths, by method; HEAD is served where GET is. */
const HANDLERS: Readonly<Record<OwnPath, Handlers>> = {
  '/': { GET: frontPage },
  '/favicon.ico': { GET: favicon },
  '/health': { GET: health },
  '/liveness': { GET: health },
  '/readiness': { GET: readiness },
  '/health_generate': { GET: healthGenerate },
  '/metrics': { GET: metrics },
  '/engine_metrics': { GET: engineMetrics },
  '/v1/models': { GET: getModels },
  '/v1/models/{model*}': { GET: getModel },
  '/model_info': { GET: modelInfo },
  '/get_model_info': { GET: modelInfo },
  '/server_info': { GET: serverInfo },
  '/get_server_info': { GET: serverInfo },
  '/v1/loads': { GET: getRankLoads },
  '/get_loads': { GET: getLoads },
  '/flush_cache': { GET: flushCache, POST: flushCache },
  '/abort_request': { POST: abortRequest },
  '/router_choices': { GET: routerChoices },
  '/dashboard': { GET: dashboardPage },
  '/dashboard/': { GET: dashboardFolder },
  '/dashboard/feed': { GET: dashboardFeed },
  '/dashboard/snapshot': { GET: dashboardSnapshot },
  '/dashboard/actions': { POST: dashboardAction },
  '/dashboard/sign-in': { POST: signIn },
  '/dashboard/sign-out': { POST: signOut },
  '/dashboard/{file}': { GET: dashboardFile },
  '/add_worker': { POST: addWorker },
  '/remove_worker': { POST: removeWorker },
  '/list_workers': { GET: listWorkers },
  '/workers': { GET: getWorkers, POST: createWorker },
  '/workers/{worker*}': { GET: getWorker, PUT: updateWorker, DELETE: deleteWorker },
};

/** The router's own endpoints, ready to answer. */
export function createApi(parts: ApiParts): Dispatcher {
  return new Dispatcher(HANDLERS, {
    ...parts,
    engineLoads: new EngineLoads(),
    questions: new Questions(),
    flushLimit: new FanOutLimit(),
  });
}
