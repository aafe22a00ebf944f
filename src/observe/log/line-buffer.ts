import type { WriteLine } from './line.ts';

const DELAY_MS = 100;
const MOST_CHARACTERS = 32 * 1024;

/** Lines that may wait a little leave together: a write to the terminal or a pipe costs more than the line itself. */
export class LineBuffer {
  readonly #write: WriteLine;
  #waiting = '';
  #timer: NodeJS.Timeout | undefined;

  constructor(write: WriteLine) {
    this.#write = write;
  }

  /** Writes the line now, behind those that wait. */
  now(line: string): void {
    const text = this.#waiting + line;
    this.#waiting = '';
    this.#write(text);
  }

  /** Writes the line within a tenth of a second. */
  later(line: string): void {
    this.#waiting += line;
    if (this.#waiting.length >= MOST_CHARACTERS) this.flush();
    else this.#timer ??= setTimeout(() => this.flush(), DELAY_MS).unref();
  }

  flush(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    if (this.#waiting !== '') this.now('');
  }
}
