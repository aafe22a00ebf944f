import { type FSWatcher, watch } from 'node:fs';
import { stat } from 'node:fs/promises';
import { basename, dirname, resolve } from 'node:path';

/** Time without changes after which a file is read: it may be written in several steps. */
const SETTLE_MS = 100;
/** Interval of polls, for file systems and links that report no changes. */
const POLL_MS = 2_000;

/** Tells when a file may have changed, been replaced or linked anew. */
export class FileWatch {
  readonly #path: string;
  readonly #changed: () => void;
  readonly #poll: NodeJS.Timeout;
  #watcher: FSWatcher | undefined;
  #settling: NodeJS.Timeout | undefined;
  #version: string | undefined;

  constructor(path: string, changed: () => void) {
    this.#path = resolve(path);
    this.#changed = changed;
    this.#watch();
    this.#poll = setInterval(() => void this.#look(), POLL_MS).unref();
    void this.#look();
  }

  close(): void {
    this.#watcher?.close();
    clearInterval(this.#poll);
    clearTimeout(this.#settling);
    this.#settling = undefined;
  }

  /** Watches the folder, as a replaced file is another file. */
  #watch(): void {
    const name = basename(this.#path);
    try {
      this.#watcher = watch(dirname(this.#path), { persistent: false }, (_, changed) => {
        // Kubernetes replaces the folder `..data`, to which the file is a link.
        if (changed === null || changed === name || changed.startsWith('..data')) this.#settle();
      });
      this.#watcher.on('error', () => this.#watcher?.close());
    } catch {
      // Without a watch, or a folder, the poll goes on.
    }
  }

  #settle(): void {
    clearTimeout(this.#settling);
    this.#settling = setTimeout(this.#changed, SETTLE_MS);
  }

  async #look(): Promise<void> {
    const version = await versionOf(this.#path);
    if (version === this.#version) return;
    this.#version = version;
    this.#settle();
  }
}

async function versionOf(path: string): Promise<string> {
  try {
    const { mtimeMs, size, ino } = await stat(path);
    return `${mtimeMs} ${size} ${ino}`;
  } catch (error) {
    return (error as Error).message;
  }
}
