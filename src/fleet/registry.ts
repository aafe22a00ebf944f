import { EventEmitter } from 'node:events';
import { RouterError } from '../errors/errors.ts';
import { createClient } from '../http/upstream/create-client.ts';
import type { Log } from '../observe/log/log.ts';
import type { BreakerOptions, BreakerState } from './breaker.ts';
import { type Clock, systemClock } from './clock.ts';
import type { Conduct } from './conduct.ts';
import type { OutlierOptions } from './conducts.ts';
import type { HealthOptions } from './health.ts';
import { Outliers } from './outliers.ts';
import type { Slots } from './slots.ts';
import { Wedge } from './wedge.ts';
import { Worker, type WorkerOwner, type WorkerParts } from './worker.ts';
import { type CreateClient, keyOf } from './worker-identity.ts';
import type { Role, WorkerPatch, WorkerSpec } from './worker-spec.ts';
import type { WorkerState } from './worker-state.ts';
import type { WorkerTarget } from './worker-target.ts';

export interface RegistryOptions {
  readonly health: HealthOptions;
  readonly breaker: BreakerOptions;
  /** How workers whose errors stand out are held back and compared; both on by default. */
  readonly outliers?: OutlierOptions;
  /** Whether to route to data-parallel ranks; off by default. */
  readonly dpAware?: boolean;
  /** Makes the connections to a worker; without a client certificate by default. */
  readonly createClient?: CreateClient;
}

interface RegistryEvents {
  /** A worker's state, problem or breaker has changed. */
  change: [Worker];
  /** Its process is gone or was replaced, and with it the cache. */
  lost: [Worker];
  /** A health check has ended, with this result. */
  checked: [Worker, boolean];
  /** Its circuit breaker has left that state. */
  breaker: [Worker, BreakerState];
  /** Its connections are closed; calls on them end with the error, if there is one. */
  closed: [Worker, Error | undefined];
  /** It was taken out for its errors to requests of that kind, or is back, as `ejected` tells. */
  ejection: [Worker, Conduct];
  /** It has told its facts, as after each start. */
  learned: [Worker];
  /** Taken out; requests may still run there. */
  remove: [Worker];
}

/** Most workers, far above any fleet of one router. There are more slots, for ranks and for removed workers that still run requests. */
const MAX_WORKERS = 1024;
/** Interval of questions to a server that does not tell what it is. */
const ASK_AGAIN_MS = 10_000;
const NO_TARGETS: readonly WorkerTarget[] = [];

/** All workers, and which of them may receive traffic. */
export class Registry extends EventEmitter<RegistryEvents> implements WorkerOwner {
  readonly #parts: WorkerParts;
  readonly #log: Log;
  readonly #wedge: Wedge;
  readonly #outliers: Outliers;
  readonly #workers = new Map<string, Worker>();
  readonly #draining = new Set<Worker>();
  readonly #asksAgain = new WeakMap<Worker, () => void>();
  #available = new Set<Worker>();
  #targets = new Map<Role, readonly WorkerTarget[]>();

  constructor(slots: Slots, options: RegistryOptions, log: Log, clock: Clock = systemClock) {
    super();
    this.#parts = {
      dpAware: false,
      outliers: { enabled: true, compares: true },
      createClient: (origin) => createClient(origin),
      ...options,
      slots,
      clock,
      owner: this,
    };
    this.#log = log;
    this.#wedge = new Wedge(this.#workers, clock, log);
    this.#outliers = new Outliers(this.#workers, clock);
  }

  /** Targets that may receive traffic; every change makes a new array, so that a request can keep one. */
  available(role: Role = 'regular'): readonly WorkerTarget[] {
    return this.#targets.get(role) ?? NO_TARGETS;
  }

  /** Targets that answer but were taken out for failing, the least bad first; for when none is available. */
  lastResort(role: Role = 'regular'): readonly WorkerTarget[] {
    return this.workers
      .filter((worker) => worker.role === role && worker.up && worker.credential.problem === undefined)
      .sort((a, b) => a.failures - b.failures || a.breaker.lastFailureMs - b.breaker.lastFailureMs)
      .flatMap(({ targets }) => targets);
  }

  /** All workers that were not removed, in the order in which they were added. */
  get workers(): readonly Worker[] {
    return [...this.#workers.values()];
  }

  /** Removed workers on which requests still run. */
  get draining(): readonly Worker[] {
    return [...this.#draining];
  }

  get(idOrUrl: string): Worker | undefined {
    return this.#workers.get(keyOf(idOrUrl)) ?? this.workers.find(({ id }) => id === idOrUrl);
  }

  /** Throws RouterError `too_many_workers` unless `count` more fit, so that of several all are added or none. */
  expectRoom(count: number): void {
    const all = this.#workers.size + count;
    if (all <= MAX_WORKERS) return;
    throw new RouterError('too_many_workers', `expected at most ${MAX_WORKERS} workers, got ${all}; nothing is added`);
  }

  /** Adds a worker and polls it until it is ready; the one there is when the URL is known already. Throws RouterError `too_many_workers`. */
  add(spec: WorkerSpec): Worker {
    const known = this.#workers.get(keyOf(spec.url));
    if (known) return known;
    this.expectRoom(1);
    const worker = new Worker(spec, this.#parts);
    this.#workers.set(worker.key, worker);
    this.#wedge.start();
    worker.start();
    return worker;
  }

  /** Changes a worker in place: its load, breaker and connections stay. */
  update(worker: Worker, patch: WorkerPatch): void {
    worker.update(patch);
    this.emit('change', worker);
  }

  /**
   * Removes a worker from routing. Resolves when its requests have ended, or after `graceMs`, when they are cut and its connections closed.
   * Resolves with false if the URL is unknown.
   */
  async remove(url: string, graceMs?: number): Promise<boolean> {
    const worker = this.#workers.get(keyOf(url));
    if (!worker) return false;
    this.#workers.delete(worker.key);
    this.#draining.add(worker);
    // A pending question would keep the removed worker and its read buffer in memory.
    this.#asksAgain.get(worker)?.();
    worker.drain();
    this.emit('remove', worker);
    await this.#drained(worker, graceMs);
    this.#draining.delete(worker);
    return true;
  }

  /** The worker's process is known to be gone: no traffic, no more polls. */
  fail(url: string, reason: string): void {
    this.#workers.get(keyOf(url))?.fail(reason);
  }

  /** The worker's process was started again on the same URL: polls it until it is ready. */
  revive(url: string): void {
    this.#workers.get(keyOf(url))?.revive();
  }

  /** It has emptied its cache. */
  flushed(worker: Worker): void {
    this.emit('lost', worker);
    if (worker.facts.kvCapacityTokens !== undefined) this.emit('learned', worker);
  }

  /** Ends all checks and connections. */
  async close(error?: Error): Promise<void> {
    this.#wedge.stop();
    const workers = [...this.#workers.values(), ...this.#draining];
    for (const worker of workers) {
      worker.stop();
      this.emit('closed', worker, error);
    }
    await Promise.all(workers.map(({ client }) => client.destroy(error)));
  }

  stateChanged(worker: Worker, was: WorkerState): void {
    const { kind } = worker.state;
    this.#refresh(worker);
    if (kind !== was.kind) this.#report(worker, was);
    if (isLasting(worker.state) && !isLasting(was)) {
      const { url, problem } = worker;
      this.#log.warning('worker cannot be used as it is set up, polled until it can', { worker: url, problem });
    }
    if (kind !== was.kind && (kind === 'starting' || kind === 'failed')) this.emit('lost', worker);
    if (kind === 'ready' && was.kind === 'starting') void this.#learn(worker);
  }

  breakerChanged(worker: Worker, was: BreakerState): void {
    // Changes of a removed worker are no news.
    if (this.#workers.get(worker.key) !== worker) return;
    const { state, reason } = worker.breaker;
    this.#refresh(worker);
    if (state !== was) this.emit('breaker', worker, was);
    if (state === was && state !== 'open') return;
    const about = { worker: worker.url, available: this.#available.size };
    if (state === 'open') this.#log.warning('circuit breaker open: worker taken out', { ...about, reason });
    else if (state === 'half_open') this.#log.info('circuit breaker half open: worker is tried', about);
    else this.#log.info('circuit breaker closed: worker is back', about);
  }

  rankChanged(worker: Worker, { url, breaker }: WorkerTarget): void {
    if (this.#workers.get(worker.key) !== worker) return;
    this.#refresh(worker);
    if (breaker?.state === 'closed') this.#log.info('rank answers again: it is back', { worker: url });
  }

  credentialChanged(worker: Worker): void {
    if (this.#workers.get(worker.key) !== worker) return;
    this.#refresh(worker);
    const { problem } = worker.credential;
    const about = { worker: worker.url, available: this.#available.size };
    if (problem === undefined) this.#log.info("worker takes the router's key", about);
    else this.#log.warning("worker refuses the router's key: no requests until it takes it", { ...about, problem });
  }

  hasPeers(worker: Worker, conduct: Conduct): boolean {
    return this.#outliers.hasPeers(worker, conduct);
  }

  blamed(worker: Worker, conduct: Conduct): void {
    this.#outliers.judge(worker, conduct);
  }

  ejectionChanged(worker: Worker, conduct: Conduct): void {
    if (this.#workers.get(worker.key) !== worker) return;
    this.emit('change', worker);
    this.emit('ejection', worker, conduct);
    const { ejected, kind, heldMs } = conduct;
    const about = { worker: worker.url, requests: kind };
    if (ejected === undefined) this.#log.info('worker stands out no more: it is back', about);
    else {
      const secs = Math.round(heldMs / 1_000);
      this.#log.warning('worker stands out with errors: taken out', {
        ...about,
        reason: ejected,
        triedAgainInSecs: secs,
      });
    }
  }

  checked(worker: Worker, healthy: boolean): void {
    this.emit('checked', worker, healthy);
  }

  waitedFor({ url, spec }: Worker, problem: string): void {
    // The launch itself shows how far its servers are.
    if (spec.source === 'launch') return;
    this.#log.info('worker not ready yet, polled until it is', { worker: url, problem });
  }

  overdue({ url }: Worker, problem: string): void {
    this.#log.error('worker not ready within --worker-startup-timeout-secs, polling on', { worker: url, problem });
  }

  async #drained(worker: Worker, graceMs: number | undefined): Promise<void> {
    const ended = Promise.all(worker.targets.map((target) => target.retire()));
    const over = Promise.withResolvers<void>();
    const cancel = graceMs === undefined ? undefined : this.#parts.clock.after(graceMs, over.resolve);
    await Promise.race([ended, over.promise]);
    cancel?.();
    const cut = worker.load;
    if (cut > 0) this.#log.warning('requests cut off: their worker was removed', { worker: worker.url, requests: cut });
    this.emit('closed', worker, undefined);
    await worker.client.destroy();
    this.#log[worker.spec.source === 'launch' ? 'debug' : 'info']('worker removed', { worker: worker.url });
  }

  /** Asks a worker for its facts until it answers. */
  async #learn(worker: Worker, again = false): Promise<void> {
    const done = await worker.learn();
    if (this.#workers.get(worker.key) !== worker) return;
    if (done || !again) this.emit('learned', worker);
    const { untold } = worker.facts;
    if (untold?.refused) worker.credential.doubt();
    if (untold?.refused && worker.authorization === undefined) {
      const { problem } = untold;
      this.#log.warning('worker refuses the router: api_key or --api-key must be its key', {
        worker: worker.url,
        problem,
      });
    }
    this.#noteMismatch(worker);
    this.#asksAgain.get(worker)?.();
    if (done || !worker.up) return;
    const cancel = this.#parts.clock.after(ASK_AGAIN_MS, () => void this.#learn(worker, true));
    this.#asksAgain.set(worker, cancel);
  }

  #noteMismatch({ url, mismatch, role }: Worker): void {
    if (mismatch === undefined) return;
    const message = role === 'regular' ? 'worker does not serve whole requests' : `server is no ${role} server`;
    this.#log.warning(message, { worker: url, problem: mismatch });
  }

  /** Updates the arrays and emits `change`. */
  #refresh(worker: Worker): void {
    const available = this.workers.filter((each) => each.available);
    this.#available = new Set(available);
    const byRole = Map.groupBy(
      available.flatMap(({ targets }) => targets.filter(({ admits }) => admits)),
      ({ worker: { role } }) => role,
    );
    this.#targets = byRole;
    this.emit('change', worker);
  }

  #report({ url, spec, state, problem }: Worker, was: WorkerState): void {
    const { level, message } = reportOf(state.kind, was.kind);
    // The launch itself tells how its servers come and go.
    const shown = spec.source === 'launch' && level !== 'warning' ? 'debug' : level;
    this.#log[shown](message, { worker: url, available: this.#available.size, problem });
  }
}

type Kind = WorkerState['kind'];

function isLasting(state: WorkerState): boolean {
  return state.kind === 'starting' && state.lasting === true;
}

function reportOf(kind: Kind, was: Kind): { level: 'info' | 'warning' | 'error'; message: string } {
  switch (kind) {
    case 'ready':
      return { level: 'info', message: 'worker ready' };
    case 'unhealthy':
      return { level: 'warning', message: 'worker unhealthy: taken out, checked further' };
    case 'failed':
      return { level: 'error', message: 'worker gone' };
    case 'draining':
      return { level: 'info', message: 'removing worker' };
    case 'starting':
      return was === 'failed'
        ? { level: 'info', message: 'worker was started again, polling until it is ready' }
        : { level: 'warning', message: 'worker lost, polling until it is back' };
  }
}
