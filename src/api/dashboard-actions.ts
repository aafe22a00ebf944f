import { expectOwnName, expectOwnPage } from '../dashboard/same-origin.ts';
import { RouterError } from '../errors/errors.ts';
import type { Worker } from '../fleet/worker.ts';
import { sendJson } from '../http/respond.ts';
import type { Call } from './call.ts';
import type { ApiContext } from './context.ts';
import { type Fields, textOf } from './fields.ts';
import { flushWorkers } from './flush-cache.ts';
import { readJsonBody } from './json-body.ts';
import { specOf } from './worker-fields.ts';

/** Does one thing; what it returns is told to who asked for it. */
type Action = (fields: Fields, context: ApiContext, call: Call) => string | Promise<string>;

const ACTIONS: Readonly<Record<string, Action>> = {
  add(fields, context) {
    const { worker } = context.additions.start(specOf(fields, context), context.config.workerStartupTimeoutMs);
    return `${worker.url} is being added: it gets requests once it is healthy`;
  },
  drain(fields, { registry }) {
    const { url } = workerOf(fields, registry);
    void registry.remove(url);
    return `${url} gets no more requests, and is removed when those in flight have ended`;
  },
  remove(fields, { registry }) {
    const { url } = workerOf(fields, registry);
    void registry.remove(url, 0);
    return `${url} is removed`;
  },
  async flush(fields, context, { request }) {
    const { registry } = context;
    const workers = fields.worker === undefined ? registry.workers : [workerOf(fields, registry)];
    const reports = await flushWorkers(workers, context, request);
    const failed = reports.flatMap(({ worker, problem }) => (problem === undefined ? [] : `${worker}: ${problem}`));
    if (failed.length > 0) throw new RouterError('worker_bad_response', `not flushed: ${failed.join('; ')}`);
    return `the caches of ${reports.length} ${reports.length === 1 ? 'worker' : 'workers'} are empty`;
  },
  restart(_, { launch }) {
    const servers = launch();
    if (servers?.rollingRestart !== 'possible') {
      throw new RouterError(
        'worker_conflict',
        'no rolling restart now: the router has started no servers, they are starting, stopping or restarting already, or none has another that is ready',
      );
    }
    void servers.restartAll();
    return 'the servers are started again, one after the other';
  },
};

/** Does what a button of the dashboard stands for. A form of another page cannot send JSON, and whose page it is is looked at. */
export async function dashboardAction(call: Call, context: ApiContext): Promise<void> {
  const { request, response } = call;
  expectOwnPage(request);
  if (context.dashboard.isOpen) expectOwnName(request);
  if (!/^application\/json\b/i.test(request.headers['content-type'] ?? '')) {
    throw new RouterError('unsupported_media_type', 'expected content-type: application/json');
  }
  const fields = await readJsonBody(request);
  const name = textOf(fields, 'action') ?? '';
  const action = Object.hasOwn(ACTIONS, name) ? ACTIONS[name] : undefined;
  if (!action) {
    throw new RouterError('bad_request', `action: expected ${Object.keys(ACTIONS).join(', ')}`);
  }
  const message = await action(fields, context, call);
  context.log.info('dashboard: action taken', { action: name, message });
  sendJson(response, 200, { message });
}

function workerOf(fields: Fields, registry: ApiContext['registry']): Worker {
  const id = textOf(fields, 'worker') ?? '';
  const worker = registry.get(id);
  if (!worker) throw new RouterError('worker_not_found', 'the worker is gone already');
  return worker;
}
