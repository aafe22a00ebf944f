import { LOAD_SOURCES } from '../fleet/load-report.ts';
import type { Worker } from '../fleet/worker.ts';
import type { IncomingRequest } from '../http/edge/incoming-request.ts';
import { jsonOf } from '../http/json-of.ts';
import { askWorker, headersFor } from './ask-workers.ts';
import type { LoadAnswer, WorkerLoad } from './fan-out/loads.ts';
import { isHealthy } from './standing.ts';

/** How long an answer is used again, however often clients ask. */
const FRESH_MS = 1_000;
/** A worker that is slow to tell its load does not delay the list of workers for longer. */
const PATIENCE_MS = 500;

interface RecentAnswer {
  readonly atMs: number;
  readonly answer: Promise<LoadAnswer>;
}

/** The loads of workers, for the list of workers: asked when a client asks for that. */
export class EngineLoads {
  readonly #asked = new WeakMap<Worker, RecentAnswer>();

  /** What a worker tells of its load; undefined where it is not healthy, tells nothing or is slow. */
  async of(worker: Worker, request: IncomingRequest): Promise<WorkerLoad | undefined> {
    if (!isHealthy(worker)) return undefined;
    let asked = this.#asked.get(worker);
    if (!asked || performance.now() - asked.atMs > FRESH_MS) {
      asked = { atMs: performance.now(), answer: askLoad(worker, request, PATIENCE_MS) };
      this.#asked.set(worker, asked);
    }
    const answer = await asked.answer;
    return 'ranks' in answer ? answer : undefined;
  }
}

/** Asks a worker for its load, at each path for `timeoutMs` at most where that is given. Never rejects. */
export async function askLoad(worker: Worker, request: IncomingRequest, timeoutMs?: number): Promise<LoadAnswer> {
  const { url, role, facts } = worker;
  const problems: string[] = [];
  for (const [path, read] of LOAD_SOURCES) {
    const answer = await askWorker(worker, { path, headers: headersFor(request), timeoutMs });
    const load = 'body' in answer ? read(jsonOf(answer.body)) : undefined;
    if (load) {
      const { runningRequests, waitingRequests, usedTokens, kvCapacityTokens = facts.kvCapacityTokens } = load.total;
      return { worker: url, role, runningRequests, waitingRequests, usedTokens, kvCapacityTokens, ranks: load.said };
    }
    problems.push('problem' in answer ? answer.problem : `${path} answered something else than loads`);
  }
  return { worker: url, problem: problems.join(', ') };
}
