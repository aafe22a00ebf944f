import { jsonOf } from '../http/json-of.ts';
import { type AskedServer, ask } from './ask.ts';
import { LOAD_SOURCES, type LoadReport, type LoadSource, type ServerLoad } from './load-report.ts';
import type { Worker } from './worker.ts';
import type { WorkerTarget } from './worker-target.ts';

interface LoadOptions {
  /** Interval of questions to a worker that answers. */
  readonly intervalMs: number;
  readonly timeoutMs: number;
}

/** Often enough to see other clients' requests; the router's own are counted without asking. */
const DEFAULTS: LoadOptions = { intervalMs: 1_000, timeoutMs: 3_000 };
/** Longest wait between questions to a worker that does not answer. */
const LONGEST_WAIT_MS = 30_000;
/** Most bytes of an answer, far above a hundred ranks. */
const MAX_BYTES = 256 * 1024;

/** Is told what workers report. */
interface LoadsListener {
  /** Called for every report, of each rank if ranks are routed to. */
  learned(target: WorkerTarget, report: LoadReport): void;
  /** Called for the first failure of each worker. */
  failed(worker: Worker, problem: string): void;
}

/** Asks every ready worker for its load, again and again. */
export class Loads {
  readonly #options: LoadOptions;
  readonly #listener: LoadsListener;
  readonly #polls = new Map<Worker, LoadPoll>();

  constructor(listener: LoadsListener, options = DEFAULTS) {
    this.#listener = listener;
    this.#options = options;
  }

  /** The worker's state has changed: only a ready one is asked. */
  changed(worker: Worker): void {
    let poll = this.#polls.get(worker);
    if (!poll) {
      poll = new LoadPoll(worker, this.#options, this.#listener);
      this.#polls.set(worker, poll);
    }
    if (worker.available) poll.start();
    else poll.stop();
  }

  removed(worker: Worker): void {
    this.#polls.get(worker)?.stop();
    this.#polls.delete(worker);
  }

  close(): void {
    for (const poll of this.#polls.values()) poll.stop();
  }
}

/** Asks one worker for its load. */
class LoadPoll {
  readonly #worker: Worker;
  readonly #options: LoadOptions;
  readonly #listener: LoadsListener;
  /** The source that answered last; all are tried while none has. */
  #source: number | undefined;
  #failures = 0;
  #reported = false;
  #running = false;
  /** Counts starts, so that answers from before a stop are ignored. */
  #run = 0;
  #timer: NodeJS.Timeout | undefined;

  constructor(worker: Worker, options: LoadOptions, listener: LoadsListener) {
    this.#worker = worker;
    this.#options = options;
    this.#listener = listener;
  }

  /** Asks at once and then regularly; does nothing if already running. */
  start(): void {
    if (this.#running) return;
    this.#running = true;
    this.#source = undefined;
    this.#failures = 0;
    void this.#poll(++this.#run);
  }

  stop(): void {
    this.#running = false;
    clearTimeout(this.#timer);
  }

  async #poll(run: number): Promise<void> {
    const result = await this.#ask();
    if (!this.#running || run !== this.#run) return;
    if (typeof result === 'string') this.#failed(result);
    else this.#succeeded(result);
    const { intervalMs } = this.#options;
    const waitMs = Math.min(intervalMs * 2 ** this.#failures, Math.max(intervalMs, LONGEST_WAIT_MS));
    this.#timer = setTimeout(() => void this.#poll(run), waitMs);
  }

  #succeeded(load: ServerLoad): void {
    this.#failures = 0;
    for (const target of this.#worker.targets) {
      const report = loadOf(target, load);
      if (report) this.#listener.learned(target, report);
    }
  }

  #failed(problem: string): void {
    this.#source = undefined;
    this.#failures++;
    if (this.#reported) return;
    this.#reported = true;
    this.#listener.failed(this.#worker, problem);
  }

  /** Resolves with the report of the first source that has one, else with what was wrong with each. */
  async #ask(): Promise<ServerLoad | string> {
    const problems: string[] = [];
    for (const source of this.#source === undefined ? LOAD_SOURCES.keys() : [this.#source]) {
      try {
        const report = await this.#askAt(source);
        if (typeof report !== 'string') {
          this.#source = source;
          return report;
        }
        problems.push(report);
      } catch (error) {
        return (error as Error).message;
      }
    }
    return problems.join(', ');
  }

  async #askAt(source: number): Promise<ServerLoad | string> {
    const from = LOAD_SOURCES[source]!;
    const load = await askSource(this.#worker, from, this.#options.timeoutMs);
    if (typeof load === 'string') return load;
    const silent = this.#worker.targets.find((target) => !loadOf(target, load));
    return silent ? `${from[0]} tells nothing of rank ${silent.rank}` : load;
  }
}

/** Asks one source; resolves with the report, or with what was wrong. Rejects if no answer came in time. */
export async function askSource(server: AskedServer, [path, read]: LoadSource, timeoutMs: number) {
  const { status, body } = await ask(server, path, { timeoutMs, maxBytes: MAX_BYTES });
  if (status !== 200) return `${path} answered ${status}`;
  return read(jsonOf(body)) ?? `${path} answered something else than loads`;
}

function loadOf({ rank }: WorkerTarget, { total, ranks }: ServerLoad): LoadReport | undefined {
  return rank === undefined ? total : ranks.get(rank);
}
