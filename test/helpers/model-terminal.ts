import { EventEmitter } from 'node:events';
import { columnsOf } from '../../src/terminal/columns.ts';

const ESC = '\u001b';
const TOKENS = new RegExp(`${ESC}\\[\\??[\\d;]*[A-Za-z]|\r|\n|[^${ESC}\r\n]`, 'gu');

/** A cell of a line: a character, or nothing for the second column of a wide one. */
type Line = string[];

/**
 * A terminal as people have them: lines wrap at its right edge and scroll off at the top, and a change of its width wraps
 * them anew. It knows the few commands that a board uses.
 */
export class ModelTerminal extends EventEmitter<{ resize: [] }> {
  readonly isTTY = true;
  columns: number;
  rows: number;
  writes = 0;
  /** Everything there is, what has scrolled off included, before wrapping. */
  readonly #lines: Line[] = [[]];
  #line = 0;
  #column = 0;
  /** First row that is on the screen. */
  #top = 0;

  constructor(columns: number, rows: number) {
    super();
    this.columns = columns;
    this.rows = rows;
  }

  write(text: string): boolean {
    this.writes++;
    for (const [token] of text.matchAll(TOKENS)) this.#apply(token);
    return true;
  }

  /** The program hears of it later than the terminal, as with SIGWINCH. */
  resize(columns: number, rows: number): void {
    this.columns = columns;
    this.rows = rows;
    this.#top = Math.max(0, this.#cursorRow() - rows + 1);
    this.emit('resize');
  }

  /** What can be seen, without empty rows at its end. */
  get screen(): string[] {
    return trimmed(
      this.#wrapped()
        .slice(this.#top, this.#top + this.rows)
        .map(({ text }) => text),
    );
  }

  /** With what has scrolled off. */
  get everything(): string[] {
    return trimmed(this.#wrapped().map(({ text }) => text));
  }

  #apply(token: string): void {
    if (token === '\r') this.#column -= this.#column % this.columns;
    else if (token === '\n') this.#newLine();
    else if (!token.startsWith(ESC)) this.#put(token);
    else if (token.endsWith('A')) this.#move(-Number.parseInt(token.slice(2), 10));
    else if (token.endsWith('B')) this.#move(Number.parseInt(token.slice(2), 10));
    else if (token === `${ESC}[2K`) this.#clearRow();
    else if (!/[mhl]$/.test(token))
      throw new Error(`a terminal command that this model does not know: ${JSON.stringify(token)}`);
  }

  #put(character: string): void {
    const width = columnsOf(character);
    const line = this.#lines[this.#line]!;
    if (width === 0) {
      line[this.#column - 1] += character;
      return;
    }
    line[this.#column] = character;
    for (let more = 1; more < width; more++) line[this.#column + more] = '';
    this.#column += width;
    this.#scroll();
  }

  #newLine(): void {
    this.#line++;
    this.#lines[this.#line] ??= [];
    this.#column = 0;
    this.#scroll();
  }

  #move(rows: number): void {
    const row = Math.min(Math.max(this.#top, this.#cursorRow() + rows), this.#top + this.rows - 1);
    while (this.#wrapped().length <= row) this.#lines.push([]);
    const { line, start } = this.#wrapped()[row]!;
    this.#line = line;
    this.#column = start;
  }

  /** What was wrapped there is three lines from now on. */
  #clearRow(): void {
    const { start } = this.#wrapped()[this.#cursorRow()]!;
    const cells = this.#lines[this.#line]!;
    const [before, after] = [cells.slice(0, start), cells.slice(start + this.columns)];
    const kept = start > 0 ? [before] : [];
    this.#lines.splice(this.#line, 1, ...kept, [], ...(after.length > 0 ? [after] : []));
    this.#line += kept.length;
    this.#column = 0;
  }

  #scroll(): void {
    this.#top = Math.max(this.#top, this.#cursorRow() - this.rows + 1);
  }

  #cursorRow(): number {
    const wrapped = this.#wrapped();
    return wrapped.findLastIndex(({ line, start }) => line === this.#line && start <= this.#column);
  }

  #wrapped(): { line: number; start: number; text: string }[] {
    return this.#lines.flatMap((cells, line) => {
      const rows = Math.max(1, Math.ceil(cells.length / this.columns));
      return Array.from({ length: rows }, (_, row) => {
        const start = row * this.columns;
        return { line, start, text: cells.slice(start, start + this.columns).join('') };
      });
    });
  }
}

function trimmed(rows: string[]): string[] {
  return rows.slice(0, rows.findLastIndex((row) => row !== '') + 1);
}
