import { styleText } from 'node:util';
import type { Line } from './frame.ts';

/** What `top` draws on. */
export interface ScreenTerminal {
  readonly columns?: number;
  readonly rows?: number;
  write(text: string): unknown;
}

/** The other screen, without cursor and without wrapping. */
const ENTER = '\x1b[?1049h\x1b[?25l\x1b[?7l';
const LEAVE = '\x1b[?7h\x1b[?25h\x1b[?1049l';
/** Terminals that know these show what lies between as one frame; others ignore them. */
const FRAME_BEGIN = '\x1b[?2026h';
const FRAME_END = '\x1b[?2026l';
const HOME = '\x1b[H';
const CLEAR_TO_LINE_END = '\x1b[K';

/** The whole terminal, which is as it was once it is closed. */
export class FullScreen {
  readonly #terminal: ScreenTerminal;
  readonly #env: NodeJS.ProcessEnv;
  #closed = false;

  constructor(terminal: ScreenTerminal, env: NodeJS.ProcessEnv) {
    this.#terminal = terminal;
    this.#env = env;
    terminal.write(ENTER);
  }

  /** A terminal that does not know its size says 0. */
  get size(): { readonly columns: number; readonly rows: number } {
    return { columns: this.#terminal.columns || 80, rows: this.#terminal.rows || 24 };
  }

  draw(lines: readonly Line[]): void {
    if (this.#closed) return;
    const text = lines.map((line) => this.#styled(line) + CLEAR_TO_LINE_END).join('\r\n');
    this.#terminal.write(`${FRAME_BEGIN}${HOME}${text}${FRAME_END}`);
  }

  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#terminal.write(LEAVE);
  }

  #styled({ text, isTitle }: Line): string {
    if (this.#env.NO_COLOR) return isTitle ? styleText('inverse', text, { validateStream: false }) : text;
    if (isTitle) return styleText(['bold', 'cyan'], text, { validateStream: false });
    return text
      .replaceAll(/● (?:ready|serving)/g, (match) => styleText('green', match, { validateStream: false }))
      .replaceAll(/[◐▲◌] (?:starting|unhealthy|no workers|draining)/g, (match) =>
        styleText('yellow', match, { validateStream: false }),
      )
      .replaceAll(/✖ \S+/g, (match) => styleText('red', match, { validateStream: false }));
  }
}
