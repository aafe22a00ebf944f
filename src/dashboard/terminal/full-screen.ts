import { styleText } from 'node:util';
import { sizeOf, type Terminal, writeFrame } from '../../terminal/terminal.ts';
import type { Line } from './frame.ts';

/** The other screen, without cursor and without wrapping. */
const ENTER = '\x1b[?1049h\x1b[?25l\x1b[?7l';
const LEAVE = '\x1b[?7h\x1b[?25h\x1b[?1049l';
const HOME = '\x1b[H';
const CLEAR_TO_LINE_END = '\x1b[K';

/** The whole terminal, which is as it was once it is closed. */
export class FullScreen {
  readonly #terminal: Terminal;
  readonly #env: NodeJS.ProcessEnv;
  #closed = false;

  constructor(terminal: Terminal, env: NodeJS.ProcessEnv) {
    this.#terminal = terminal;
    this.#env = env;
    terminal.write(ENTER);
  }

  get size(): { readonly columns: number; readonly rows: number } {
    return sizeOf(this.#terminal);
  }

  draw(lines: readonly Line[]): void {
    if (this.#closed) return;
    const text = lines.map((line) => this.#styled(line) + CLEAR_TO_LINE_END).join('\r\n');
    writeFrame(this.#terminal, HOME + text);
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
