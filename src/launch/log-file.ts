import { createWriteStream, mkdtempSync, openSync, renameSync, type WriteStream } from 'node:fs';
import { join } from 'node:path';
import { temporaryFolder } from '../folder.ts';

/** A fresh folder for the logs of one launch: in `parent` where given, else in the system's temporary folder. */
export function createLogFolder(parent: string | undefined, now: Date = new Date()): string {
  if (parent === undefined) return temporaryFolder('sglang-launch-', NO_FOLDER);
  const stamp = now.toISOString().slice(0, 19).replaceAll(':', '').replace('T', '-');
  return mkdtempSync(join(parent, `run-${stamp}-`));
}

const NO_FOLDER = "the servers' logs go there: give --router-log-dir DIR, or a TMPDIR that can be written";

/** After this much the file is renamed to `….1`, over an older one: a server's log takes twice this at most. */
const ROTATE_BYTES = 256 * 1024 * 1024;
/** Output that a slow disk has not taken yet; beyond it output is dropped, with a line that says so. */
const BUFFER_BYTES = 8 * 1024 * 1024;

/** A server's whole output on disk. Never throws: a full disk must not end the launch. */
export class LogFile {
  readonly path: string;
  readonly #rotateBytes: number;
  readonly #failed: (problem: string) => void;
  /** Undefined once it cannot be written. */
  #stream: WriteStream | undefined;
  #written = 0;
  #dropped = 0;

  /** `failed` hears once when the file cannot be written. */
  constructor(path: string, failed: (problem: string) => void, rotateBytes = ROTATE_BYTES) {
    this.path = path;
    this.#rotateBytes = rotateBytes;
    this.#failed = failed;
    this.#stream = this.#attempt(() => this.#open());
  }

  write(chunk: Uint8Array): void {
    const stream = this.#stream;
    if (!stream) return;
    if (stream.writableLength > BUFFER_BYTES) {
      this.#dropped += chunk.length;
      return;
    }
    if (this.#dropped > 0) stream.write(`\n[${this.#dropped} bytes left out here: the disk was too slow]\n`);
    this.#dropped = 0;
    stream.write(chunk);
    this.#written += chunk.length;
    if (this.#written >= this.#rotateBytes) this.#rotate(stream);
  }

  /** Resolves when everything is on disk; what comes later is left out. */
  async close(): Promise<void> {
    const stream = this.#stream;
    if (!stream) return;
    this.#stream = undefined;
    await new Promise<void>((resolve) => {
      stream.once('close', resolve);
      stream.end();
    });
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
    stream.once('error', (error) => this.#giveUp(error));
    return stream;
  }

  #attempt(open: () => WriteStream): WriteStream | undefined {
    try {
      return open();
    } catch (error) {
      this.#giveUp(error);
      return undefined;
    }
  }

  #giveUp(error: unknown): void {
    this.#stream = undefined;
    this.#failed(error instanceof Error ? error.message : String(error));
  }
}
