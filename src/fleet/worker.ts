import { Breaker, type BreakerOptions, type BreakerState } from './breaker.ts';
import type { WaitingCall } from './call.ts';
import type { Clock } from './clock.ts';
import type { Conduct } from './conduct.ts';
import { Conducts, type OutlierOptions } from './conducts.ts';
import { Credential } from './credential.ts';
import { Health, type HealthOptions } from './health.ts';
import { askFacts, type ServerFacts } from './server-facts.ts';
import type { Slots } from './slots.ts';
import { type CreateClient, WorkerIdentity } from './worker-identity.ts';
import type { WorkerPatch, WorkerSpec } from './worker-spec.ts';
import type { Out, WorkerState } from './worker-state.ts';
import { claimTargets, type TargetParts, type WorkerTarget } from './worker-target.ts';

/** What a worker tells its registry. */
export interface WorkerOwner {
  stateChanged(worker: Worker, was: WorkerState): void;
  breakerChanged(worker: Worker, was: BreakerState): void;
  /** One of its ranks was taken out as it hangs, may be tried, or is back. */
  rankChanged(worker: Worker, rank: WorkerTarget): void;
  /** It refuses the router's key, or accepts it again. */
  credentialChanged(worker: Worker): void;
  /** Whether another worker, not held back for such requests, may be asked. */
  hasPeers(worker: Worker, conduct: Conduct): boolean;
  /** It gave an error that others do not give. */
  blamed(worker: Worker, conduct: Conduct): void;
  /** It was taken out for its errors to requests of one kind, or is back. */
  ejectionChanged(worker: Worker, conduct: Conduct): void;
  /** The following pass on calls to its `HealthOwner`. */
  checked(worker: Worker, healthy: boolean): void;
  waitedFor(worker: Worker, problem: string): void;
  overdue(worker: Worker, problem: string): void;
}

/** What all workers of a registry share. */
export interface WorkerParts {
  readonly slots: Slots;
  readonly health: HealthOptions;
  readonly breaker: BreakerOptions;
  /** Whether requests are routed to data-parallel ranks. */
  readonly dpAware: boolean;
  readonly outliers: OutlierOptions;
  readonly createClient: CreateClient;
  readonly clock: Clock;
  readonly owner: WorkerOwner;
}

/** One inference server and its lifecycle. Requests are routed to its targets. */
export class Worker extends WorkerIdentity {
  readonly breaker: Breaker;
  readonly conducts: Conducts;
  readonly credential: Credential;
  readonly health: Health;
  /** Counts chunks of all its answers; a stuck server's does not move. */
  activity = 0;
  readonly #owner: WorkerOwner;
  readonly #clock: Clock;
  readonly #waiters = new Set<() => void>();
  readonly #targetParts: TargetParts;
  readonly #dpAware: boolean;
  #targets: readonly WorkerTarget[];
  /** Whether it has told its facts since it was started. */
  #told = false;
  #state: WorkerState;

  constructor(spec: WorkerSpec, parts: WorkerParts) {
    const { slots, health, breaker, dpAware, createClient, clock, owner } = parts;
    super(spec, createClient);
    this.#owner = owner;
    this.#clock = clock;
    this.#state = { kind: 'starting', sinceMs: clock.now() };
    this.#dpAware = dpAware;
    const rankChanged = (rank: WorkerTarget) => owner.rankChanged(this, rank);
    this.#targetParts = { slots, clock, breaker, rankChanged };
    this.#targets = dpAware ? [] : claimTargets(this, this.#targetParts, 1);
    this.credential = new Credential(this, clock, () => owner.credentialChanged(this));
    this.health = new Health(this, health, clock, {
      checked: (healthy) => owner.checked(this, healthy),
      waitedFor: (problem) => owner.waitedFor(this, problem),
      overdue: (problem) => owner.overdue(this, problem),
    });
    const told = {
      hasPeers: (conduct: Conduct) => owner.hasPeers(this, conduct),
      blamed: (conduct: Conduct) => owner.blamed(this, conduct),
      ejectionChanged: (conduct: Conduct) => owner.ejectionChanged(this, conduct),
    };
    this.conducts = new Conducts(clock, told, parts.outliers);
    this.breaker = new Breaker(breaker, clock, (was) => {
      if (was !== 'half_open' && this.breaker.state === 'half_open') this.health.now();
      owner.breakerChanged(this, was);
    });
  }

  get state(): WorkerState {
    return this.#state;
  }

  /** Its targets: itself, or its data-parallel ranks, none before their number is known. They change only while it starts. */
  get targets(): readonly WorkerTarget[] {
    return this.#targets;
  }

  /** The one answer to "may it receive traffic". */
  get available(): boolean {
    return this.#state.kind === 'ready' && this.breaker.admits && this.credential.problem === undefined;
  }

  /** Whether a server answers at its address. */
  get up(): boolean {
    return this.#state.kind === 'ready' || this.#state.kind === 'unhealthy';
  }

  /** Calls that wait for their first byte, the longest waiting first. */
  get waiting(): readonly WaitingCall[] {
    const calls = this.targets.flatMap(({ firstBytes }) => [...firstBytes.waiting]);
    return this.targets.length > 1 ? calls.sort((a, b) => a.startedMs - b.startedMs) : calls;
  }

  /** Why it gets fewer requests, or none; undefined when it gets its share. */
  get out(): Out | undefined {
    const { kind } = this.#state;
    const refused = this.credential.problem;
    // A worker that refused the key from the start is not ready for that reason alone.
    if (refused !== undefined && (kind === 'ready' || this.#stateProblem === refused)) {
      return { reason: 'key', problem: refused };
    }
    if (kind !== 'ready') return { reason: kind, problem: this.#stateProblem };
    const { state, reason } = this.breaker;
    if (state !== 'closed') return { reason: 'breaker', problem: `taken out by the circuit breaker: ${reason}` };
    if (this.conducts.problem !== undefined) return { reason: 'errors', problem: this.conducts.problem };
    const hanging = this.targets.flatMap(({ problem }) => problem ?? []);
    return hanging.length === 0 ? undefined : { reason: 'rank', problem: hanging.join('; ') };
  }

  /** Why only its operator can bring it back; undefined if it may come back by itself. */
  get hopeless(): string | undefined {
    const state = this.#state;
    // A restarted server may have another key.
    if (state.kind === 'starting') return state.lasting ? state.problem : undefined;
    return this.up ? this.credential.problem : undefined;
  }

  /** The reason of `out` in a few words. */
  get problem(): string | undefined {
    return this.out?.problem;
  }

  get #stateProblem(): string {
    switch (this.#state.kind) {
      case 'ready':
        return 'ready';
      case 'failed':
        return this.#state.reason;
      case 'draining':
        return 'removed';
      default:
        return this.#state.problem ?? 'not asked yet';
    }
  }

  /** Failed requests and health checks since the last good ones, by which last resorts are ordered. */
  get failures(): number {
    return this.breaker.failures + this.health.failures + this.conducts.errorsInARow;
  }

  /** Requests in flight. */
  get load(): number {
    return this.targets.reduce((sum, { load }) => sum + load, 0);
  }

  /** Begins to poll it, or takes it as ready without health checks. */
  start(): void {
    if (this.health.disabled && !this.#mustTell) this.becomeReady();
    else this.health.restart();
  }

  /** Polls its health now, as it may be ready. */
  poke(): void {
    if (this.#state.kind === 'starting') this.health.now();
  }

  /**
   * Asks for its facts before it gets requests. Resolves with what is wrong, and whether that lasts, if its ranks or its bootstrap port
   * must be known and are not.
   */
  async prepare() {
    const facts = await askFacts(this);
    const { dpSize, untold } = facts;
    if (this.#mustTell && untold?.answered === false) return { text: untold.problem, lasting: false };
    if (this.#dpAware && dpSize === undefined) {
      const why = untold?.problem ?? 'no dp_size in its server info';
      return { text: `its number of data-parallel ranks is not known: ${why}`, lasting: true };
    }
    const doubted = untold?.refused || this.credential.problem !== undefined;
    const refusal = doubted ? await this.credential.check() : undefined;
    if (refusal !== undefined) return { text: refusal, lasting: true };
    this.#told = untold?.answered !== false;
    this.#hear(facts);
    return undefined;
  }

  /** Asks for its facts, unless told since its start. True once there is nothing more to ask. */
  async learn(): Promise<boolean> {
    if (!this.#told) this.#hear(await askFacts(this));
    this.#told = false;
    return this.facts.untold?.answered !== false;
  }

  /** Marks it ready: it is healthy, and `prepare` has succeeded. */
  becomeReady(): void {
    if (this.#state.kind === 'starting') {
      const problem = this.#arrange();
      if (problem !== undefined) {
        this.notYet(problem);
        return;
      }
      this.breaker.reset();
      this.conducts.reset();
      for (const { breaker } of this.targets) breaker?.reset();
    }
    this.#enter({ kind: 'ready', sinceMs: this.#clock.now() });
  }

  /** Ends its checks, for good. */
  stop(): void {
    this.breaker.close();
    this.credential.stop();
    this.conducts.close();
    this.health.stop();
  }

  /** Notes why it is not ready yet; `lasting` if waiting does not help. */
  notYet(problem: string, lasting = false): void {
    const state = this.#state;
    if (state.kind === 'starting' && state.problem !== problem) this.#enter({ ...state, problem, lasting });
  }

  /** No process listens: no traffic until it answers a health check again. */
  lost(problem: string): void {
    if (this.up) this.#enter({ kind: 'starting', sinceMs: this.#clock.now(), problem });
  }

  /** Marks it unhealthy after failed health checks. */
  becomeUnhealthy(problem: string): void {
    const state = this.#state;
    const sinceMs = state.kind === 'unhealthy' ? state.sinceMs : this.#clock.now();
    if (this.up) this.#enter({ kind: 'unhealthy', sinceMs, problem });
  }

  /** Takes out a worker that answers nothing: waiting requests go elsewhere, streams run on. */
  wedged(reason: string): void {
    this.breaker.trip(reason);
    for (const { firstBytes } of this.targets) firstBytes.abandon(`worker ${this.url}: ${reason}`);
  }

  /** Marks its process as gone. */
  fail(reason: string): void {
    this.#enter({ kind: 'failed', reason });
  }

  /** Polls its restarted process until it is ready. */
  revive(): void {
    this.#enter({ kind: 'starting', sinceMs: this.#clock.now() });
    this.health.restart();
  }

  /** Stops new requests for good. */
  drain(): void {
    this.stop();
    this.#enter({ kind: 'draining', sinceMs: this.#clock.now() });
  }

  update(patch: WorkerPatch): void {
    this.spec = { ...this.spec, ...patch };
    if (patch.apiKey !== undefined && this.credential.problem !== undefined) void this.credential.check();
    if (patch.disableHealthCheck === undefined) return;
    if (this.health.disabled && this.#state.kind === 'unhealthy') this.becomeReady();
    else this.health.restart();
  }

  /** Resolves once it is ready. Rejects with the last problem when that takes longer, cannot be waited for, or it is removed. */
  async whenReady(timeoutMs: number): Promise<void> {
    const until = this.#clock.now() + timeoutMs;
    while (this.#state.kind !== 'ready') {
      const leftMs = until - this.#clock.now();
      const { kind } = this.#state;
      const over = kind === 'failed' || kind === 'draining' || this.hopeless !== undefined;
      if (over || leftMs <= 0) throw new Error(this.problem);
      await this.#nextState(leftMs);
    }
  }

  get #mustTell(): boolean {
    return this.#dpAware || (this.role === 'prefill' && this.spec.bootstrapPort === undefined);
  }

  /** Merges new facts into those told before. */
  #hear(facts: ServerFacts): void {
    this.facts = facts.untold ? { ...this.facts, ...facts } : facts;
  }

  /** Makes the targets anew if the server's number of ranks has changed. */
  #arrange(): string | undefined {
    const { dpSize = 1 } = this.facts;
    if (!this.#dpAware || dpSize === this.#targets.length) return undefined;
    try {
      const targets = claimTargets(this, this.#targetParts, dpSize);
      for (const target of this.#targets) void target.retire();
      this.#targets = targets;
      return undefined;
    } catch (error) {
      return (error as RangeError).message;
    }
  }

  #nextState(withinMs: number): Promise<void> {
    return new Promise((resolve) => {
      const done = () => {
        cancel();
        this.#waiters.delete(done);
        resolve();
      };
      const cancel = this.#clock.after(withinMs, done);
      this.#waiters.add(done);
    });
  }

  #enter(state: WorkerState): void {
    const was = this.#state;
    this.#state = state;
    if (state.kind !== was.kind) this.health.restart();
    this.#owner.stateChanged(this, was);
    for (const wake of [...this.#waiters]) wake();
  }
}
