import { probe } from '../http/probe.ts';
import type { Worker } from './worker.ts';

export interface HealthOptions {
  readonly path: string;
  /** The longest wait between two polls of a worker that is starting. */
  readonly intervalMs: number;
  readonly timeoutMs: number;
  /** A worker not ready by then is reported once; it is polled further all the same. */
  readonly overdueMs: number;
}

const SHORTEST_WAIT_MS = 100;

/** Polls one worker until it is ready. Each wait is a tenth of the time already spent, so that nobody waits much longer than needed. */
export class HealthPoll {
  readonly #worker: Worker;
  readonly #options: HealthOptions;
  readonly #overdue: (problem: string) => void;
  #reported = false;
  #timer: NodeJS.Timeout | undefined;
  #probing = false;
  #stopped = false;

  constructor(worker: Worker, options: HealthOptions, overdue: (problem: string) => void) {
    this.#worker = worker;
    this.#options = options;
    this.#overdue = overdue;
  }

  /** Polls at once, unless a poll is under way. */
  now(): void {
    clearTimeout(this.#timer);
    if (!this.#probing && !this.#stopped && this.#worker.state.kind === 'starting') void this.#poll();
  }

  stop(): void {
    this.#stopped = true;
    clearTimeout(this.#timer);
  }

  async #poll(): Promise<void> {
    const { client, basePath, controlHeaders } = this.#worker;
    this.#probing = true;
    const problem = await probe(client, basePath + this.#options.path, controlHeaders, this.#options.timeoutMs);
    this.#probing = false;
    if (this.#stopped) return;
    if (problem === undefined) this.#worker.state = { kind: 'ready', sinceMs: Date.now() };
    else this.#notYet(problem);
  }

  #notYet(problem: string): void {
    const { state } = this.#worker;
    if (state.kind !== 'starting') return;
    if (problem !== state.problem) this.#worker.state = { ...state, problem };
    const spentMs = Date.now() - state.sinceMs;
    if (spentMs > this.#options.overdueMs && !this.#reported) {
      this.#reported = true;
      this.#overdue(problem);
    }
    const waitMs = Math.min(this.#options.intervalMs, Math.max(SHORTEST_WAIT_MS, spentMs / 10));
    this.#timer = setTimeout(() => this.now(), waitMs);
  }
}
