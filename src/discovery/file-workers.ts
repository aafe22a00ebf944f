import { readFile } from 'node:fs/promises';
import { setTimeout as delay } from 'node:timers/promises';
import { ExitError } from '../errors.ts';
import type { Log } from '../log.ts';
import type { Registry } from '../workers/registry.ts';
import type { Worker } from '../workers/worker.ts';
import type { Role, WorkerSpec } from '../workers/worker-spec.ts';
import { FileWatch } from './file-watch.ts';
import { parseWorkersFile } from './workers-file.ts';

const EMPTY_MS = 1_000;

export interface FileWorkersOptions {
  readonly path: string;
  /** The key of workers for which the file names none. */
  readonly apiKey: string | undefined;
  /** Those that the router has use for. */
  readonly roles: readonly Role[];
  /** Where `api_key_env` is looked up. */
  readonly env: Readonly<Record<string, string | undefined>>;
}

/** The workers of a watched file: each change of it is applied as a difference. Workers that came by another way are left alone. */
export class FileWorkers {
  readonly #options: FileWorkersOptions;
  readonly #log: Log;
  #specs: readonly WorkerSpec[];
  #text: string;
  #problem: string | undefined;
  #registry: Registry | undefined;
  #watch: FileWatch | undefined;
  #turn: Promise<void> = Promise.resolve();

  private constructor(options: FileWorkersOptions, text: string, log: Log) {
    this.#options = options;
    this.#specs = parseWorkersFile(text, options);
    this.#text = text;
    this.#log = log;
  }

  /** Reads the file. Throws a usage error when it cannot be read or has mistakes. */
  static async open(options: FileWorkersOptions, log: Log): Promise<FileWorkers> {
    try {
      return new FileWorkers(options, await readFile(options.path, 'utf8'), log);
    } catch (error) {
      const message = `--workers-file ${options.path}: ${(error as Error).message}`;
      throw new ExitError('usage', message, { cause: error });
    }
  }

  /** Adds its workers and follows the file from now on. */
  follow(registry: Registry): void {
    this.#registry = registry;
    this.#apply();
    this.#watch = new FileWatch(this.#options.path, () => {
      this.#turn = this.#turn.then(() => this.#refresh());
    });
  }

  close(): void {
    this.#watch?.close();
    this.#registry = undefined;
  }

  async #refresh(): Promise<void> {
    try {
      const text = await this.#read();
      this.#problem = undefined;
      if (text === this.#text) return;
      this.#text = text;
      this.#specs = parseWorkersFile(text, this.#options);
      this.#apply();
    } catch (error) {
      this.#refuse((error as Error).message);
    }
  }

  /** A file without a byte is as a rule one that is being written: it counts only when it stays so. */
  async #read(): Promise<string> {
    const text = await readFile(this.#options.path, 'utf8');
    if (text !== '') return text;
    await delay(EMPTY_MS, undefined, { ref: false });
    return await readFile(this.#options.path, 'utf8');
  }

  /** A file that cannot be used leaves the workers as they are. */
  #refuse(problem: string): void {
    if (problem === this.#problem) return;
    this.#problem = problem;
    const file = this.#options.path;
    this.#log.error('workers file not applied, the workers stay as they are', { file, problem });
  }

  #apply(): void {
    const registry = this.#registry;
    if (!registry) return;
    const wanted = new Map(this.#specs.map((spec) => [spec.url, spec]));
    const gone = registry.workers.filter((worker) => isOurs(worker) && !continues(worker, wanted.get(worker.url)));
    for (const { url } of gone) void registry.remove(url);
    const added = this.#specs.filter((spec) => this.#add(registry, spec));
    this.#log.info('workers file applied', { file: this.#options.path, added: added.length, removed: gone.length });
  }

  /** Whether the worker is a new one; one that is there gets the key that the file has now. */
  #add(registry: Registry, spec: WorkerSpec): boolean {
    const known = registry.get(spec.url);
    const apiKey = spec.apiKey ?? this.#options.apiKey;
    if (!known) registry.add({ ...spec, apiKey, source: 'file' });
    else if (isOurs(known) && known.spec.apiKey !== apiKey) registry.update(known, { apiKey });
    return !known;
  }
}

function isOurs({ spec }: Worker): boolean {
  return spec.source === 'file';
}

/** Whether the file still has the worker, in the same role. */
function continues({ role, spec }: Worker, wanted: WorkerSpec | undefined): boolean {
  return wanted !== undefined && (wanted.role ?? 'regular') === role && wanted.bootstrapPort === spec.bootstrapPort;
}
