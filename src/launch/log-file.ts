import { createWriteStream, openSync, renameSync, type WriteStream } from 'node:fs';

/** After this much the file is renamed to `….1`, over an older one: a server's log takes twice this at most. */
const ROTATE_BYTES = 256 * 1024 * 1024;
/** Output that a slow disk has not taken yet; beyond it output is dropped, with a line that says so. */
const BUFFER_BYTES = 8 * 1024 * 1024;
/** After a failure the next attempt. */
const RETRY_MS = 30_000;

/** A server's whole output on disk. Never throws: a full disk must not end the launch, and is tried again every 30 s. */
export class LogFile {
  readonly path: string;
  readonly #rotateBytes: number;
  readonly #retryMs: number;
  readonly #failed: (problem: string) => void;
  /** Undefined while it cannot be written. */
  #stream: WriteStream | undefined;
  #retryAtMs = Number.POSITIVE_INFINITY;
  #failing = false;
  #written = 0;
  #dropped = 0;

  /** `failed` hears when the file cannot be written, once until it can. */
  constructor(path: string, failed: (problem: string) => void, rotateBytes = ROTATE_BYTES, retryMs = RETRY_MS) {
    this.path = path;
    this.#rotateBytes = rotateBytes;
    this.#retryMs = retryMs;
    this.#failed = failed;
    this.#stream = this.#attempt(() => this.#open());
  }

  write(chunk: Uint8Array): void {
    const stream = this.#current();
    if (!stream || stream.writableLength > BUFFER_BYTES) {
      this.#dropped += chunk.length;
      return;
    }
    if (this.#dropped > 0) stream.write(`\n[${this.#dropped} bytes left out here: the disk was full or too slow]\n`);
    this.#dropped = 0;
    stream.write(chunk, (error) => {
      if (!error) this.#failing = false;
    });
    this.#written += chunk.length;
    if (this.#written >= this.#rotateBytes) this.#rotate(stream);
  }

  /** Resolves when everything is on disk; what comes later is left out. */
  async close(): Promise<void> {
    const stream = this.#stream;
    this.#retryAtMs = Number.POSITIVE_INFINITY;
    if (!stream) return;
    this.#stream = undefined;
    await new Promise<void>((resolve) => {
      stream.once('close', resolve);
      stream.end();
    });
  }

  #current(): WriteStream | undefined {
    if (this.#stream || performance.now() < this.#retryAtMs) return this.#stream;
    this.#stream = this.#attempt(() => this.#open());
    return this.#stream;
  }

  /** The old stream writes what it still holds to its file under the new name. */
  #rotate(stream: WriteStream): void {
    stream.end();
    this.#stream = this.#attempt(() => {
      renameSync(this.path, `${this.path}.1`);
      return this.#open();
    });
  }

  #open(): WriteStream {
    this.#written = 0;
    const stream = createWriteStream(this.path, { fd: openSync(this.path, 'a', 0o600) });
    stream.once('error', (error) => this.#fail(stream, error));
    return stream;
  }

  #attempt(open: () => WriteStream): WriteStream | undefined {
    try {
      return open();
    } catch (error) {
      this.#fail(undefined, error);
      return undefined;
    }
  }

  #fail(stream: WriteStream | undefined, error: unknown): void {
    if (this.#stream === stream) this.#stream = undefined;
    this.#retryAtMs = performance.now() + this.#retryMs;
    if (!this.#failing) this.#failed(error instanceof Error ? error.message : String(error));
    this.#failing = true;
  }
}
