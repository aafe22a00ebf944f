/** What a board draws on. */
interface Terminal {
  readonly columns?: number;
  write(text: string): unknown;
}

const CLEAR_BELOW = '\x1b[0J';
/** Terminals that know these show what lies between as one frame; others ignore them. */
const FRAME_BEGIN = '\x1b[?2026h';
const FRAME_END = '\x1b[?2026l';

/** A few lines that stay at the bottom of a terminal while others scroll above them; one write a redraw: no flicker. */
export class Board {
  readonly #terminal: Terminal;
  #lines: readonly string[] = [];
  #drawn = 0;

  constructor(terminal: Terminal) {
    this.#terminal = terminal;
  }

  /** Replaces the board's lines. */
  show(lines: readonly string[]): void {
    this.#lines = lines;
    this.#draw('');
  }

  /** Whole lines, newline included, above the board. */
  print(text: string): void {
    this.#draw(text);
  }

  /** Leaves the board where it is; what is printed later follows it. */
  close(): void {
    this.#lines = [];
    this.#drawn = 0;
  }

  #draw(above: string): void {
    // A terminal that does not know its width says 0.
    const width = (this.#terminal.columns || 80) - 1;
    const board = this.#lines.map((line) => `${line.slice(0, width)}\n`).join('');
    const back = this.#drawn > 0 ? `\x1b[${this.#drawn}A\r${CLEAR_BELOW}` : '';
    this.#drawn = this.#lines.length;
    if (back === '' && board === '') this.#terminal.write(above);
    else this.#terminal.write(`${FRAME_BEGIN}${back}${above}${board}${FRAME_END}`);
  }
}
