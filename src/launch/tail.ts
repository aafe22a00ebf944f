/** Longest line that is kept or shown; real servers print their whole configuration in one of some 10,000 characters. */
const LINE_LIMIT = 4_000;

/** Cuts a byte stream into lines. A carriage return ends one too: progress bars redraw with it. */
export class LineReader {
  readonly #decoder = new TextDecoder();
  #rest = '';

  /** The lines that the chunk completes, empty ones left out. */
  read(chunk: Uint8Array): string[] {
    const parts = (this.#rest + this.#decoder.decode(chunk, { stream: true })).split(/[\r\n]+/);
    this.#rest = parts.pop() ?? '';
    if (this.#rest.length > LINE_LIMIT) parts.push(...this.end());
    return parts.filter((part) => part.trim() !== '').map(cut);
  }

  /** What the stream ended with when that was no whole line. */
  end(): string[] {
    const rest = this.#rest;
    this.#rest = '';
    return rest.trim() === '' ? [] : [cut(rest)];
  }
}

function cut(line: string): string {
  return line.length > LINE_LIMIT ? `${line.slice(0, LINE_LIMIT)}…` : line;
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
