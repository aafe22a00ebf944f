import { cutToColumns } from '../terminal/columns.ts';
import type { Watcher } from './drive.ts';

const BAR = 24;
const REFRESH_MS = 100;

/** What a line is written to. */
export interface Output {
  readonly isTTY?: boolean;
  readonly columns?: number;
  write(text: string): unknown;
}

/** Tells how far a run is: a bar on a terminal, nothing but beginning and end elsewhere. */
export class Progress implements Watcher {
  readonly #output: Output;
  readonly #title: string;
  readonly #requests: number;
  readonly #timer: NodeJS.Timeout | undefined;
  readonly #clock: () => number;
  readonly #startMs: number;
  #asked = 0;
  #answered = 0;
  #errors = 0;

  constructor(output: Output, title: string, requests: number, clock: () => number = () => performance.now()) {
    this.#output = output;
    this.#title = title;
    this.#requests = requests;
    this.#clock = clock;
    this.#startMs = clock();
    if (output.isTTY) {
      this.#timer = setInterval(() => output.write(`\r\x1b[2K${this.#fitting()}`), REFRESH_MS);
      this.#timer.unref();
    } else output.write(`${title}: ${requests} requests\n`);
  }

  asked(): void {
    this.#asked++;
  }

  answered({ error }: { readonly error: string | undefined }): void {
    this.#answered++;
    if (error !== undefined) this.#errors++;
  }

  /** Title, bar, requests done and under way, errors, seconds. */
  line(): string {
    const done = this.#requests > 0 ? Math.min(1, this.#answered / this.#requests) : 1;
    const filled = Math.round(done * BAR);
    const bar = '█'.repeat(filled) + '░'.repeat(BAR - filled);
    const errors = this.#errors > 0 ? ` · ${this.#errors} errors` : '';
    const secs = ((this.#clock() - this.#startMs) / 1000).toFixed(1);
    const underWay = this.#asked - this.#answered;
    return `${this.#title}  ${bar} ${this.#answered}/${this.#requests} · ${underWay} under way${errors} · ${secs} s`;
  }

  /** A line that wraps is not taken back by the next: it would be left behind ten times a second. */
  #fitting(): string {
    return cutToColumns(this.line(), (this.#output.columns || 80) - 1);
  }

  /** Takes the bar away and leaves `last` in its place. */
  end(last: string): void {
    clearInterval(this.#timer);
    this.#output.write(`${this.#output.isTTY ? '\r\x1b[2K' : ''}${last}\n`);
  }
}
