import { createWriteStream, openSync, readdirSync, rmSync, statSync, type WriteStream } from 'node:fs';
import { join } from 'node:path';

export interface DailyFileOptions {
  /** A file is closed and the next begun when it has this many. */
  readonly maxBytes: number;
  /** Files that stay. */
  readonly kept: number;
  /** After a failure the next attempt. */
  readonly retryMs: number;
  readonly now: () => number;
}

const DEFAULTS: DailyFileOptions = { maxBytes: 100 * 2 ** 20, kept: 14, retryMs: 30_000, now: Date.now };
/** What a slow disk has not taken yet; beyond it lines are dropped, with a line that says so. */
const BUFFER_BYTES = 8 * 2 ** 20;
const DAY_MS = 86_400_000;
const NAME = /^sgl-router\.(\d{4}-\d\d-\d\d)(?:\.(\d+))?\.log$/;

/**
 * Log files of a folder that is there: `sgl-router.<date>.log`, `….<date>.1.log` when the day has more, days in UTC as the times of the lines.
 * Never throws: a disk that is full or gone is tried again every 30 s, and the router serves on.
 */
export class DailyFile {
  readonly #folder: string;
  readonly #options: DailyFileOptions;
  readonly #changed: (problem: string | undefined) => void;
  #stream: WriteStream | undefined;
  #date = '';
  #bytes = 0;
  /** Of the day after that of the file. */
  #endMs = 0;
  #retryAtMs = 0;
  #failing = false;
  #dropped = 0;

  /** `changed` hears when writing begins to fail, and (undefined) when it works again. */
  constructor(folder: string, changed: (problem: string | undefined) => void, options: Partial<DailyFileOptions> = {}) {
    this.#folder = folder;
    this.#changed = changed;
    this.#options = { ...DEFAULTS, ...options };
  }

  /** Whole lines. */
  write(text: string): void {
    const stream = this.#current();
    if (!stream) return;
    const bytes = Buffer.byteLength(text);
    if (stream.writableLength + bytes > BUFFER_BYTES) {
      this.#dropped += bytes;
      return;
    }
    const note = this.#dropped > 0 ? `[${this.#dropped} bytes left out here: the disk was too slow]\n` : '';
    this.#dropped = 0;
    this.#bytes += bytes;
    stream.write(note + text, (error) => {
      if (!error) this.#works();
    });
  }

  /** Resolves when everything is on disk. */
  async close(): Promise<void> {
    const stream = this.#stream;
    if (!stream) return;
    this.#stream = undefined;
    this.#retryAtMs = Number.POSITIVE_INFINITY;
    await new Promise<void>((resolve) => stream.end(() => resolve()).once('error', () => resolve()));
  }

  /** The file to write to now; undefined while it cannot be written. */
  #current(): WriteStream | undefined {
    const nowMs = this.#options.now();
    const over = nowMs >= this.#endMs || this.#bytes >= this.#options.maxBytes;
    if (this.#stream && !over) return this.#stream;
    if (nowMs < this.#retryAtMs) return undefined;
    this.#stream?.end();
    this.#stream = undefined;
    try {
      this.#stream = this.#open(nowMs);
    } catch (error) {
      this.#fail(error as Error);
    }
    return this.#stream;
  }

  #open(nowMs: number): WriteStream {
    const date = new Date(nowMs).toISOString().slice(0, 10);
    const last = this.#files()
      .filter((file) => file.date === date)
      .at(-1);
    // What was written last may not be on disk yet.
    const full = date === this.#date && this.#bytes >= this.#options.maxBytes;
    this.#bytes = last ? statSync(join(this.#folder, last.name)).size : 0;
    let part = last?.part ?? 0;
    if (full || this.#bytes >= this.#options.maxBytes) {
      part++;
      this.#bytes = 0;
    }
    this.#date = date;
    const path = join(this.#folder, `sgl-router.${date}${part > 0 ? `.${part}` : ''}.log`);
    const stream = createWriteStream(path, { fd: openSync(path, 'a', 0o600) });
    stream.once('error', (error) => {
      if (this.#stream === stream) this.#stream = undefined;
      this.#fail(error);
    });
    this.#endMs = (Math.floor(nowMs / DAY_MS) + 1) * DAY_MS;
    this.#prune();
    return stream;
  }

  #prune(): void {
    const files = this.#files();
    for (const { name } of files.slice(0, Math.max(0, files.length - this.#options.kept))) {
      rmSync(join(this.#folder, name), { force: true });
    }
  }

  /** The files there are, oldest first. */
  #files() {
    return readdirSync(this.#folder)
      .flatMap((name) => {
        const [, date, part = '0'] = NAME.exec(name) ?? [];
        return date === undefined ? [] : [{ name, date, part: Number(part) }];
      })
      .sort((a, b) => a.date.localeCompare(b.date) || a.part - b.part);
  }

  #fail(error: Error): void {
    this.#retryAtMs = Math.max(this.#retryAtMs, this.#options.now() + this.#options.retryMs);
    if (!this.#failing) this.#changed(error.message);
    this.#failing = true;
  }

  #works(): void {
    if (this.#failing) this.#changed(undefined);
    this.#failing = false;
  }
}
