import { closeSync, openSync, readSync, statSync } from 'node:fs';
import { type FileHandle, open, rename, rm } from 'node:fs/promises';
import { ExitError, fileProblem } from '../../errors/errors.ts';

export interface RotatingFileOptions {
  /** A file that has as many is put aside, and the next begun. */
  readonly maxBytes: number;
  /** Files that there are at most, that which is written included. */
  readonly files: number;
  /** Lines wait so long to be written together. */
  readonly delayMs: number;
  /** What a slow disk has not taken yet; further lines are left out. */
  readonly bufferBytes: number;
  /** After a failure the next attempt. */
  readonly retryMs: number;
}

const DEFAULTS = { delayMs: 1_000, bufferBytes: 8 * 2 ** 20, retryMs: 30_000 };
const START_BYTES = 64;

/** Whoever wants to hear of a file. */
interface FileWatcher {
  /** Lines were left out, and why. */
  dropped(lines: number, reason: string): void;
  /** So many are on disk. */
  written(lines: number): void;
}

/**
 * Lines in a file of bounded size: `path`, and the older ones `path.1`, `path.2`, … Never throws and holds nobody up: lines are written in the
 * background, and those that the disk does not take are left out and counted.
 */
export class RotatingFile {
  readonly #path: string;
  readonly #options: RotatingFileOptions;
  readonly #watcher: FileWatcher;
  #handle: FileHandle | undefined;
  #bytes = 0;
  #waiting: string[] = [];
  #waitingBytes = 0;
  #timer: NodeJS.Timeout | undefined;
  #writing: Promise<void> | undefined;
  #retryAtMs = 0;
  #closed = false;

  constructor(
    path: string,
    options: Pick<RotatingFileOptions, 'maxBytes' | 'files'> & Partial<RotatingFileOptions>,
    watcher: FileWatcher,
  ) {
    this.#path = path;
    this.#watcher = watcher;
    this.#options = { ...DEFAULTS, ...options };
  }

  /** A line without its end; ASCII. */
  write(line: string): void {
    if (this.#closed || this.#waitingBytes + line.length >= this.#options.bufferBytes) {
      this.#watcher.dropped(1, 'the disk was too slow');
      return;
    }
    this.#waiting.push(line);
    this.#waitingBytes += line.length + 1;
    this.#timer ??= setTimeout(() => this.#flushSoon(), this.#options.delayMs).unref();
  }

  /** Resolves when everything is on disk, or cannot be written. */
  async close(): Promise<void> {
    this.#closed = true;
    clearTimeout(this.#timer);
    await this.#writing;
    this.#retryAtMs = 0;
    await this.#flush();
    await this.#handle?.close().catch(() => {});
    this.#handle = undefined;
  }

  #flushSoon(): void {
    this.#timer = undefined;
    this.#writing ??= this.#flush().finally(() => {
      this.#writing = undefined;
      if (this.#waiting.length > 0 && !this.#closed)
        this.#timer ??= setTimeout(() => this.#flushSoon(), this.#options.delayMs).unref();
    });
  }

  async #flush(): Promise<void> {
    const lines = this.#waiting;
    if (lines.length === 0 || performance.now() < this.#retryAtMs) return;
    this.#waiting = [];
    this.#waitingBytes = 0;
    try {
      await this.#append(`${lines.join('\n')}\n`);
      this.#watcher.written(lines.length);
    } catch (error) {
      this.#retryAtMs = performance.now() + this.#options.retryMs;
      this.#watcher.dropped(lines.length, fileProblem(error));
      // What was written of a line is not left in the way of the next.
      await this.#handle?.truncate(this.#bytes).catch(() => {});
      await this.#handle?.close().catch(() => {});
      this.#handle = undefined;
    }
  }

  async #append(text: string): Promise<void> {
    if (this.#bytes > 0 && this.#bytes + text.length > this.#options.maxBytes) await this.#putAside();
    this.#handle ??= await open(this.#path, 'a', 0o600);
    await this.#handle.appendFile(text);
    this.#bytes += text.length;
  }

  async #putAside(): Promise<void> {
    await this.#handle?.close();
    this.#handle = undefined;
    await putAside(this.#path, this.#options.files);
    this.#bytes = 0;
  }
}

/** Renames `path` to `path.1`, and so on; the oldest goes. */
export async function putAside(path: string, files: number): Promise<void> {
  const name = (age: number) => (age === 0 ? path : `${path}.${age}`);
  if (files === 1) return await rm(path, { force: true });
  for (let age = files - 2; age >= 0; age--) {
    await rename(name(age), name(age + 1)).catch((error: NodeJS.ErrnoException) => {
      if (error.code !== 'ENOENT') throw error;
    });
  }
}

/** Whether there is a file that begins with such a line. Throws a usage error that names `flag` where there is something else, or nothing can be written. */
export function holdsLines(path: string, flag: string, line: RegExp): boolean {
  const refused = (problem: string) => new ExitError('usage', `${flag} ${path}: ${problem}`);
  const there = statSync(path, { throwIfNoEntry: false });
  if (there && !there.isFile()) throw refused('expected the name of a file');
  let start: string;
  try {
    start = startOf(path);
  } catch (error) {
    throw refused(fileProblem(error));
  }
  if (start !== '' && !line.test(start)) throw refused('a file is there that is no trace; it is left as it is');
  return start !== '';
}

/** Makes the file where there is none. */
function startOf(path: string): string {
  const file = openSync(path, 'a+', 0o600);
  try {
    const start = Buffer.alloc(START_BYTES);
    return start.toString('latin1', 0, readSync(file, start, 0, START_BYTES, 0));
  } finally {
    closeSync(file);
  }
}
