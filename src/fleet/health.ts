import { HTTP_ERRORS } from '../errors/errors.ts';
import { nobodyListens } from '../http/upstream/nobody-listens.ts';
import { isTlsRefusal } from '../http/upstream/worker-tls.ts';
import { type AskedServer, ask } from './ask.ts';
import type { Breaker } from './breaker.ts';
import type { Clock } from './clock.ts';
import type { WorkerSpec } from './worker-spec.ts';
import type { WorkerState } from './worker-state.ts';

export interface HealthOptions {
  readonly path: string;
  /** Interval between checks of a worker that was ready once. */
  readonly intervalMs: number;
  readonly timeoutMs: number;
  /** Failed checks in a row that take a ready worker out. */
  readonly failureThreshold: number;
  /** Good checks in a row that take a worker back. */
  readonly successThreshold: number;
  /** Workers count as ready; one that cannot be connected to is polled until a server answers there. */
  readonly disabled: boolean;
  /** The longest wait between two polls of a worker that is starting. */
  readonly startupIntervalMs: number;
  /** Time after which a worker that is not ready is reported once; it is still polled. */
  readonly overdueMs: number;
}

/** What health checks need of their worker, and what they tell it. */
interface CheckedWorker extends AskedServer {
  readonly spec: WorkerSpec;
  readonly state: WorkerState;
  readonly up: boolean;
  readonly breaker: Breaker;
  /** A counter of chunks; a stuck server's does not move. */
  readonly activity: number;
  /** Resolves with what keeps a healthy worker from being ready; undefined if nothing does. */
  prepare(): Promise<Omit<Problem, 'refused'> | undefined>;
  becomeReady(): void;
  notYet(problem: string, lasting: boolean): void;
  becomeUnhealthy(problem: string): void;
  lost(problem: string): void;
}

/** Is told of the checks of a worker. */
export interface HealthOwner {
  checked(healthy: boolean): void;
  /** The worker is not ready after some seconds; called once, before it is first ready. */
  waitedFor(problem: string): void;
  /** The worker is not ready within the start-up time-out. */
  overdue(problem: string): void;
}

/** What a check found wrong. */
interface Problem {
  readonly text: string;
  /** No process listens at the address. */
  readonly refused: boolean;
  /** Whether only another set-up of worker or router helps, not waiting. */
  readonly lasting: boolean;
}

const SHORTEST_WAIT_MS = 100;
/** Time after which a worker that was never ready is reported: its address may be wrong. */
const TOLD_OF_WAIT_MS = 5_000;
/** Interval of the checks that bring a worker back. */
const RETURN_WAIT_MS = 1_000;
/** Longest wait between polls of a worker whose problem only its operator can fix, as no requests wait for it. */
const MENDED_WAIT_MS = 2_000;
/** Client errors that may pass when sent again later (RFC 9110, RFC 8470, RFC 6585). */
const PASSING_REFUSALS: ReadonlySet<number> = new Set([408, 425, 429]);

/** Checks the health of one worker: fast while it starts, at the configured interval from then on. */
export class Health {
  readonly #worker: CheckedWorker;
  readonly #options: HealthOptions;
  readonly #clock: Clock;
  readonly #owner: HealthOwner;
  /** Counts states of the worker; answers to checks of an earlier state are ignored. */
  #round = 0;
  #checking = false;
  #stopped = false;
  #reported = false;
  #toldOfWait = false;
  #failures = 0;
  #successes = 0;
  #activity = 0;
  #movedMs = Number.NEGATIVE_INFINITY;
  #cancel: (() => void) | undefined;

  constructor(worker: CheckedWorker, options: HealthOptions, clock: Clock, owner: HealthOwner) {
    this.#worker = worker;
    this.#options = options;
    this.#clock = clock;
    this.#owner = owner;
  }

  /** Failed checks in a row. */
  get failures(): number {
    return this.#failures;
  }

  get disabled(): boolean {
    return this.#worker.spec.disableHealthCheck ?? this.#options.disabled;
  }

  /** When `look` last saw that bytes of an answer had come. */
  get movedMs(): number {
    return this.#movedMs;
  }

  /** Notes whether bytes have come since the last look. */
  look(): void {
    const { activity } = this.#worker;
    if (activity !== this.#activity) this.#movedMs = this.#clock.now();
    this.#activity = activity;
  }

  /** The worker's state has changed: begins the checks for the new one. */
  restart(): void {
    this.#round++;
    this.#checking = false;
    this.#successes = 0;
    this.#reported = false;
    this.#cancel?.();
    if (this.#worker.state.kind === 'starting') this.now();
    else this.#schedule();
  }

  /** Checks at once, unless a check is under way. */
  now(): void {
    this.#cancel?.();
    if (!this.#checking && this.#wanted) void this.#check();
  }

  stop(): void {
    this.#stopped = true;
    this.#round++;
    this.#cancel?.();
  }

  /** Asks once; undefined when the worker is healthy. */
  async ask(): Promise<Problem | undefined> {
    const { path, timeoutMs } = this.#options;
    try {
      const { status } = await ask(this.#worker, path, { timeoutMs, maxBytes: 0 });
      // Without health checks any answer is enough, as the path may mean nothing.
      const good = this.disabled ? status < 500 : status >= 200 && status < 300;
      if (good) return undefined;
      return {
        text: `${path} answered ${status}${this.#meaningOf(status)}`,
        refused: false,
        lasting: isLasting(status),
      };
    } catch (error) {
      return { text: (error as Error).message, refused: nobodyListens(error), lasting: isTlsRefusal(error) };
    }
  }

  #meaningOf(status: number): string {
    if (status === HTTP_ERRORS.loop_detected) return ': it is this router itself';
    if (status === 404) return ': it has no such path (--health-check-endpoint)';
    if (status !== 401 && status !== 403) return '';
    const { authorization } = this.#worker;
    return authorization === undefined
      ? ': it wants a key (api_key, --api-key)'
      : ": it refuses the router's key (api_key, --api-key)";
  }

  get #wanted(): boolean {
    if (this.#stopped) return false;
    const { kind } = this.#worker.state;
    return kind === 'starting' || (this.#worker.up && !this.disabled);
  }

  async #check(): Promise<void> {
    const round = this.#round;
    const { activity } = this.#worker;
    this.#checking = true;
    const problem = (await this.ask()) ?? (await this.#unprepared());
    if (round !== this.#round) return;
    this.#checking = false;
    this.#owner.checked(problem === undefined);
    if (this.#worker.activity !== activity) this.look();
    if (problem === undefined) this.#good();
    else if (problem.refused && this.#worker.up) this.#worker.lost(problem.text);
    else this.#bad(problem);
    if (round === this.#round) this.#schedule();
  }

  async #unprepared(): Promise<Problem | undefined> {
    const unprepared = this.#worker.state.kind === 'starting' ? await this.#worker.prepare() : undefined;
    return unprepared && { ...unprepared, refused: false };
  }

  #good(): void {
    const { state, breaker } = this.#worker;
    this.#failures = 0;
    this.#successes++;
    this.#toldOfWait = true;
    if (state.kind === 'ready') breaker.healthy();
    else if (state.kind === 'starting' || this.#successes >= this.#options.successThreshold) this.#worker.becomeReady();
  }

  #bad(problem: Problem): void {
    const { state } = this.#worker;
    this.#successes = 0;
    if (state.kind === 'starting') {
      this.#notYet(problem, state.sinceMs);
      return;
    }
    if (this.#busy) return;
    this.#failures++;
    if (state.kind === 'unhealthy' || this.#failures >= this.#options.failureThreshold) {
      this.#worker.becomeUnhealthy(problem.text);
    }
  }

  /** Whether the server sends tokens, and so may just be slow to answer a check. */
  get #busy(): boolean {
    return this.#clock.now() - this.#movedMs <= this.#options.intervalMs;
  }

  #notYet({ text, lasting }: Problem, sinceMs: number): void {
    this.#worker.notYet(text, lasting);
    if (!this.#toldOfWait && this.#clock.now() - sinceMs > TOLD_OF_WAIT_MS) {
      this.#toldOfWait = true;
      this.#owner.waitedFor(text);
    }
    if (this.#clock.now() - sinceMs <= this.#options.overdueMs || this.#reported) return;
    this.#reported = true;
    this.#owner.overdue(text);
  }

  #schedule(): void {
    if (this.#wanted) this.#cancel = this.#clock.after(this.#waitMs(), () => this.now());
  }

  #waitMs(): number {
    const { state, breaker } = this.#worker;
    const { intervalMs, startupIntervalMs } = this.#options;
    if (state.kind === 'starting') {
      const mostMs = state.lasting ? Math.min(startupIntervalMs, MENDED_WAIT_MS) : startupIntervalMs;
      return Math.min(mostMs, Math.max(SHORTEST_WAIT_MS, (this.#clock.now() - state.sinceMs) / 10));
    }
    const returning = state.kind === 'ready' ? breaker.state === 'half_open' : this.#successes > 0;
    return returning ? Math.min(RETURN_WAIT_MS, intervalMs) : intervalMs;
  }
}

/** Whether the status means that the check itself is wrong, however often it is sent. */
function isLasting(status: number): boolean {
  return status === HTTP_ERRORS.loop_detected || (status >= 400 && status < 500 && !PASSING_REFUSALS.has(status));
}
