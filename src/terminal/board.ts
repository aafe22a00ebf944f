import { columnsOf } from './columns.ts';
import type { Paint } from './kind.ts';
import { cutLine, type Line, paintLine, textOf } from './line.ts';
import { sizeOf, type Terminal, writeFrame } from './terminal.ts';

/** Line by line: some terminals keep a copy of what is cleared from their first row on. */
const CLEAR_LINE = '\x1b[2K\x1b[1B';
/** What was typed below the board, such as the `^C` that the terminal shows itself. */
const CLEAR_TYPED = '\r\x1b[2K';
/** Rows that a board leaves to the lines above it and to the cursor below it. */
const ROWS_LEFT = 4;

/**
 * A few lines that stay at the bottom of a terminal while others scroll above them; one write a redraw: no flicker.
 * It never takes more rows or columns than there are: what has scrolled away cannot be taken back.
 */
export class Board {
  readonly #terminal: Terminal;
  readonly #paint: Paint;
  #lines: readonly Line[] = [];
  /** Columns of each line that is on the terminal. */
  #drawn: readonly number[] = [];

  constructor(terminal: Terminal, paint: Paint) {
    this.#terminal = terminal;
    this.#paint = paint;
  }

  /** How many lines fit now. */
  get room(): number {
    const { rows } = sizeOf(this.#terminal);
    return Math.min(rows - 1, Math.max(1, rows - ROWS_LEFT));
  }

  /** Replaces the board's lines. */
  show(lines: readonly Line[]): void {
    this.#lines = lines;
    this.#draw('');
  }

  /** Whole lines, newline included, above the board, whose own lines may be others now. */
  print(text: string, lines: readonly Line[] = this.#lines): void {
    this.#lines = lines;
    this.#draw(text);
  }

  /** Leaves the board where it is; what comes later follows it. */
  leave(): void {
    this.#lines = [];
    this.#drawn = [];
  }

  #draw(above: string): void {
    const { columns, rows } = sizeOf(this.#terminal);
    const lines = this.#lines.slice(0, this.room).map((line) => cutLine(line, columns - 1));
    const back = this.#takeBack(columns, rows);
    this.#drawn = lines.map((line) => columnsOf(textOf(line)));
    const board = lines.map((line) => `${paintLine(line, this.#paint)}\n`).join('');
    const text = `${CLEAR_TYPED}${back}${above}${board}`;
    if (text !== CLEAR_TYPED) writeFrame(this.#terminal, text);
  }

  /** A terminal that was made narrower has wrapped the longer lines since (one that cuts them instead loses rows above the board). */
  #takeBack(columns: number, most: number): string {
    if (this.#drawn.length === 0) return '';
    const wrapped = this.#drawn.reduce((sum, width) => sum + Math.max(1, Math.ceil(width / columns)), 0);
    const rows = Math.min(wrapped, Math.max(1, most - 1));
    return `\x1b[${rows}A\r${CLEAR_LINE.repeat(rows)}\x1b[${rows}A`;
  }
}
