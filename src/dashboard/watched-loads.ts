import { type LoadReport, sumOfLoads } from '../fleet/load-report.ts';
import { Loads } from '../fleet/loads.ts';
import type { Registry } from '../fleet/registry.ts';
import type { Worker } from '../fleet/worker.ts';
import type { WorkerTarget } from '../fleet/worker-target.ts';

const LEAST_INTERVAL_MS = 1_000;
/** A question costs some 0.2 ms: with a thousand workers each is asked less often. */
const QUESTIONS_PER_SEC = 16;
const TIMEOUT_MS = 3_000;

/** What workers say of their load; they are asked only while somebody looks. */
export class WatchedLoads {
  readonly #registry: Registry;
  readonly #reports = new Map<WorkerTarget, LoadReport>();
  /** Those that have been asked in vain. */
  readonly #silent = new Set<Worker>();
  readonly #waiting = new Set<() => void>();
  #loads: Loads | undefined;
  readonly #changed = (worker: Worker) => {
    if (!worker.available) this.#forget(worker);
    this.#loads?.changed(worker);
  };
  readonly #removed = (worker: Worker) => {
    this.#forget(worker);
    this.#loads?.removed(worker);
  };

  constructor(registry: Registry) {
    this.#registry = registry;
  }

  start(): void {
    const { workers } = this.#registry;
    const intervalMs = Math.max(LEAST_INTERVAL_MS, (workers.length * 1_000) / QUESTIONS_PER_SEC);
    const learned = (target: WorkerTarget, report: LoadReport) => {
      this.#reports.set(target, report);
      this.#heard();
    };
    const failed = (worker: Worker) => {
      this.#silent.add(worker);
      this.#heard();
    };
    this.#loads = new Loads({ learned, failed }, { intervalMs, timeoutMs: TIMEOUT_MS });
    this.#registry.on('change', this.#changed).on('remove', this.#removed);
    for (const worker of workers) this.#loads.changed(worker);
  }

  stop(): void {
    this.#registry.off('change', this.#changed).off('remove', this.#removed);
    this.#loads?.close();
    this.#loads = undefined;
    this.#reports.clear();
    this.#silent.clear();
  }

  /** Resolves when every worker that may receive requests has told its load, or failed to, or after `withinMs`. */
  async complete(withinMs: number): Promise<void> {
    if (this.#isComplete) return;
    const { promise, resolve } = Promise.withResolvers<void>();
    const timer = setTimeout(resolve, withinMs);
    this.#waiting.add(resolve);
    await promise;
    clearTimeout(timer);
    this.#waiting.delete(resolve);
  }

  /** All ranks of it together; undefined where it has not told. */
  of({ targets }: Worker): LoadReport | undefined {
    const reports = targets.map((target) => this.#reports.get(target));
    if (reports.length === 0 || reports.includes(undefined)) return undefined;
    return (reports as LoadReport[]).reduce(sumOfLoads);
  }

  get #isComplete(): boolean {
    const { workers } = this.#registry;
    return workers.every((worker) => !worker.available || this.#silent.has(worker) || this.of(worker) !== undefined);
  }

  #heard(): void {
    if (this.#waiting.size > 0 && this.#isComplete) for (const resolve of this.#waiting) resolve();
  }

  #forget({ targets }: Worker): void {
    for (const target of targets) this.#reports.delete(target);
  }
}
