import { jsonOf } from '../http/json-of.ts';
import { type AskedServer, ask } from './ask.ts';
import { LOAD_SOURCES, type LoadReport, type LoadSource, type ServerLoad } from './load-report.ts';
import type { Worker } from './worker.ts';
import type { WorkerTarget } from './worker-target.ts';

interface LoadOptions {
  /** Between two questions to a worker that answers them. */
  readonly intervalMs: number;
  readonly timeoutMs: number;
}

/** Often enough to follow what others send there; our own requests are counted without asking. */
const DEFAULTS: LoadOptions = { intervalMs: 1_000, timeoutMs: 3_000 };
/** The longest wait between two questions to a worker that does not answer them. */
const LONGEST_WAIT_MS = 30_000;
/** Far above the answer of a server with a hundred ranks. */
const MAX_BYTES = 256 * 1024;

/** Who is told what workers say. */
interface LoadsListener {
  /** Of every report, of each rank where those are routed to. */
  learned(target: WorkerTarget, report: LoadReport): void;
  /** Of the first failure, once for each worker. */
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
  /** Counts starts, so that an answer to a question from before a stop is told from the current ones. */
  #run = 0;
  #timer: NodeJS.Timeout | undefined;

  constructor(worker: Worker, options: LoadOptions, listener: LoadsListener) {
    this.#worker = worker;
    this.#options = options;
    this.#listener = listener;
  }

  /** Asks at once and from then on; what is running runs on. */
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

  /** The report of the first source that has one, else what was wrong with each. */
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
    const load = await askLoad(this.#worker, from, this.#options.timeoutMs);
    if (typeof load === 'string') return load;
    const silent = this.#worker.targets.find((target) => !loadOf(target, load));
    return silent ? `${from[0]} tells nothing of rank ${silent.rank}` : load;
  }
}

/** What the server says there, else what was wrong with its answer. Rejects where none came in time. */
export async function askLoad(server: AskedServer, [path, read]: LoadSource, timeoutMs: number) {
  const { status, body } = await ask(server, path, { timeoutMs, maxBytes: MAX_BYTES });
  if (status !== 200) return `${path} answered ${status}`;
  return read(jsonOf(body)) ?? `${path} answered something else than loads`;
}

function loadOf({ rank }: WorkerTarget, { total, ranks }: ServerLoad): LoadReport | undefined {
  return rank === undefined ? total : ranks.get(rank);
}
