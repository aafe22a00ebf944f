import { stripVTControlCharacters } from 'node:util';

/** Longest line that is kept or shown; real servers print their whole configuration in one of some 10,000 characters. */
const LINE_LIMIT = 4_000;

/** Whatever a terminal might obey rather than show. */
const CONTROL = /[^\P{Cc}\t]/u;
const CONTROLS = /[^\P{Cc}\t]/gu;

/** Cuts a byte stream into lines of plain text: colours and movements of the cursor would tear a board and hide a cause. A carriage return ends one too: progress bars redraw with it. */
export class LineReader {
  readonly #decoder = new TextDecoder();
  #rest = '';

  /** The lines that the chunk completes, empty ones left out. */
  read(chunk: Uint8Array): string[] {
    const text = this.#rest + this.#decoder.decode(chunk, { stream: true });
    const parts = text.split(/[\r\n]+/);
    this.#rest = parts.pop() ?? '';
    if (this.#rest.length > LINE_LIMIT) parts.push(...this.end());
    const lines = parts.map(plain).filter((part) => part.trim() !== '');
    const kept = lines.reduce((sum, { length }) => sum + length, 0);
    return kept * 2 < text.length ? lines.map(copy) : lines;
  }

  /** What the stream ended with when that was no whole line. */
  end(): string[] {
    const rest = this.#rest;
    this.#rest = '';
    return [plain(rest)].filter((part) => part.trim() !== '');
  }
}

function plain(text: string): string {
  // Looking through all of what is cut off anyway would take a millisecond for each line of a prompt's size.
  const start = text.length > 2 * LINE_LIMIT ? text.slice(0, 2 * LINE_LIMIT) : text;
  const line = CONTROL.test(start) ? stripVTControlCharacters(start).replaceAll(CONTROLS, '') : start;
  return line.length > LINE_LIMIT ? `${line.slice(0, LINE_LIMIT)}…` : line;
}

/** A part of a string keeps the whole of it in memory: servers that log whole prompts would cost 64 KB for each line that is kept. */
function copy(line: string): string {
  return Buffer.from(line).toString();
}

/** The last lines of a server's output: enough to find why it died in, bounded. */
export class Tail {
  readonly #limit: number;
  #lines: string[] = [];

  constructor(limit = 1_000) {
    this.#limit = limit;
  }

  push(lines: readonly string[]): void {
    this.#lines.push(...lines);
    // Twice the limit before cutting, so that it costs nothing per line.
    if (this.#lines.length > 2 * this.#limit) this.#lines = this.#lines.slice(-this.#limit);
  }

  get lines(): readonly string[] {
    return this.#lines.slice(-this.#limit);
  }
}
