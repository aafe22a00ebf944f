import { RouterError } from '../errors/errors.ts';
import type { Registry } from '../fleet/registry.ts';
import type { Worker } from '../fleet/worker.ts';
import { keyOf } from '../fleet/worker-identity.ts';
import type { WorkerSpec } from '../fleet/worker-spec.ts';
import type { Log } from '../observe/log/log.ts';

/** How long a failed addition can be asked for. */
const FAILED_KEPT_MS = 300_000;
const UNUSABLE = 'cannot be used as it is set up, which waiting does not mend,';

/** A worker that is being added. */
export interface Addition {
  readonly worker: Worker;
  readonly sinceMs: number;
  /** Resolves once it is healthy. Rejects with a RouterError when it was not in time, cannot be used as it is set up, or was taken out again meanwhile. */
  readonly healthy: Promise<void>;
}

/** An addition that did not come about. Times are Unix time. */
export interface FailedAddition {
  readonly id: string;
  readonly url: string;
  readonly atMs: number;
  readonly problem: string;
}

/** Workers added at run time, until they are healthy: one that is not in time, or that no waiting makes so, is removed again. */
export class Additions {
  readonly #registry: Registry;
  readonly #log: Log;
  readonly #pending = new Map<Worker, Addition>();
  /** By id, the oldest first. */
  readonly #failed = new Map<string, FailedAddition>();

  constructor(registry: Registry, log: Log) {
    this.#registry = registry;
    this.#log = log;
    registry.on('remove', ({ id }) => this.#failed.delete(id));
  }

  /** Adds a worker, or joins the addition of the same URL that is under way. Throws RouterError `worker_conflict` for a URL that was added before. */
  start(spec: WorkerSpec, timeoutMs: number): Addition {
    const known = this.#registry.get(spec.url);
    if (!known) return this.#begin(spec, timeoutMs);
    const pending = this.#pending.get(known);
    if (pending) return { ...pending, healthy: this.#join(pending, timeoutMs) };
    throw new RouterError('worker_conflict', `worker ${known.url} is there already (${known.problem ?? 'ready'})`);
  }

  /** The addition of a worker while it is under way. */
  pending(worker: Worker): Addition | undefined {
    return this.#pending.get(worker);
  }

  /** Notes that adding a worker did not come about. */
  fail(id: string, url: string, problem: string): void {
    this.#forgetOld();
    this.#failed.delete(id);
    this.#failed.set(id, { id, url, atMs: Date.now(), problem });
  }

  /** All that failed in the last five minutes. */
  get allFailed(): Iterable<FailedAddition> {
    this.#forgetOld();
    return this.#failed.values();
  }

  /** The last failed addition of that id or URL, for five minutes. */
  failed(idOrUrl: string): FailedAddition | undefined {
    this.#forgetOld();
    return this.#failed.get(idOrUrl) ?? [...this.#failed.values()].findLast(({ url }) => keyOf(url) === keyOf(idOrUrl));
  }

  #begin(spec: WorkerSpec, timeoutMs: number): Addition {
    const worker = this.#registry.add({ ...spec, source: 'api' });
    const addition = { worker, sinceMs: Date.now(), healthy: this.#follow(worker, timeoutMs) };
    this.#pending.set(worker, addition);
    // Whoever only asks for the status later does not wait for it.
    addition.healthy.catch(() => {});
    return addition;
  }

  /** Waits with whoever asked first, for `timeoutMs` at most; then the addition goes on without. */
  async #join({ worker, healthy }: Addition, timeoutMs: number): Promise<void> {
    const late = Promise.withResolvers<never>();
    const timer = setTimeout(() => {
      const message = `worker ${worker.url} was not healthy within ${timeoutMs / 1000} s and is still being added`;
      late.reject(new RouterError('worker_start_timeout', `${message}: ${worker.problem}`));
    }, timeoutMs);
    try {
      await Promise.race([healthy, late.promise]);
    } finally {
      clearTimeout(timer);
    }
  }

  async #follow(worker: Worker, timeoutMs: number): Promise<void> {
    try {
      await worker.whenReady(timeoutMs);
    } catch (error) {
      throw this.#giveUp(worker, timeoutMs, (error as Error).message);
    } finally {
      this.#pending.delete(worker);
    }
  }

  #giveUp(worker: Worker, timeoutMs: number, problem: string): RouterError {
    const { id, url } = worker;
    if (this.#registry.get(id) !== worker) {
      return new RouterError('worker_conflict', `worker ${url} was removed before it was healthy`);
    }
    const end = ` and is removed again: ${problem}`;
    const error =
      worker.hopeless === undefined
        ? new RouterError('worker_start_timeout', `worker ${url} was not healthy within ${timeoutMs / 1000} s${end}`)
        : new RouterError('no_usable_workers', `worker ${url} ${UNUSABLE}${end}`);
    void this.#registry.remove(url, 0);
    this.fail(id, url, error.message);
    this.#log.warning('worker not added', { worker: url, code: error.code, problem });
    return error;
  }

  #forgetOld(): void {
    const oldest = Date.now() - FAILED_KEPT_MS;
    for (const [id, { atMs }] of this.#failed) if (atMs < oldest) this.#failed.delete(id);
  }
}
