import { readFile } from 'node:fs/promises';
import { setTimeout as delay } from 'node:timers/promises';
import { ExitError, fileProblem } from '../../errors/errors.ts';
import type { Log } from '../../observe/log/log.ts';
import type { Role, WorkerSpec } from '../worker-spec.ts';
import { FileWatch } from './file-watch.ts';
import type { FoundWorker, Stale, WorkerSource } from './worker-source.ts';
import { parseWorkersFile } from './workers-file.ts';

const EMPTY_MS = 1_000;

interface FileWorkersOptions {
  readonly path: string;
  /** The key of workers for which the file names none. */
  readonly apiKey: string | undefined;
  /** The roles that the router uses. */
  readonly roles: readonly Role[];
  /** Environment in which `api_key_env` is looked up. */
  readonly env: Readonly<Record<string, string | undefined>>;
}

/** The workers of a watched file. */
export class FileWorkers implements WorkerSource {
  readonly name = 'file';
  readonly #options: FileWorkersOptions;
  readonly #log: Log;
  #specs: readonly WorkerSpec[];
  #text: string;
  #stale: Stale | undefined;
  #tell: ((workers: readonly FoundWorker[]) => void) | undefined;
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
      throw new ExitError('usage', `--workers-file ${options.path}: ${fileProblem(error)}`, { cause: error });
    }
  }

  get named(): readonly WorkerSpec[] {
    return this.#specs;
  }

  get stale(): Stale | undefined {
    return this.#stale;
  }

  start(tell: (workers: readonly FoundWorker[]) => void): void {
    this.#tell = tell;
    this.#apply();
    this.#watch = new FileWatch(this.#options.path, () => {
      this.#turn = this.#turn.then(() => this.#refresh());
    });
  }

  close(): void {
    this.#watch?.close();
    this.#tell = undefined;
  }

  async #refresh(): Promise<void> {
    try {
      const text = await this.#read();
      if (text === this.#text && !this.#stale) return;
      this.#text = text;
      this.#specs = parseWorkersFile(text, this.#options);
      this.#stale = undefined;
      this.#apply();
    } catch (error) {
      this.#refuse(fileProblem(error));
    }
  }

  /** Reads the file; an empty one is usually being written, and counts only if it stays empty. */
  async #read(): Promise<string> {
    const text = await readFile(this.#options.path, 'utf8');
    if (text !== '') return text;
    await delay(EMPTY_MS, undefined, { ref: false });
    return await readFile(this.#options.path, 'utf8');
  }

  /** Logs a file that cannot be used; the workers stay as they are. */
  #refuse(problem: string): void {
    if (problem === this.#stale?.problem) return;
    this.#stale = { sinceMs: this.#stale?.sinceMs ?? Date.now(), problem };
    const file = this.#options.path;
    this.#log.error('workers file not applied, the workers stay as they are', { file, problem });
  }

  #apply(): void {
    const { apiKey } = this.#options;
    this.#tell?.(this.#specs.map((spec) => ({ spec: { ...spec, apiKey: spec.apiKey ?? apiKey } })));
  }
}
