import { styleText } from 'node:util';
import { Board, type BoardTerminal } from './board.ts';
import { boardLines, seconds } from './board-lines.ts';
import { describePhase } from './phases.ts';
import type { Server } from './server.ts';
import { type Reader, ShownOutput } from './shown-output.ts';

/** What a screen writes to: standard output, or a test's own. */
export interface Terminal extends BoardTerminal, Reader {
  readonly isTTY?: boolean;
  on?(event: 'resize', listener: () => void): unknown;
  off?(event: 'resize', listener: () => void): unknown;
}

/** Shows a launch: words, the servers' output and how each comes up. */
export interface Screen {
  /** Whole lines, newline included. */
  print(text: string): void;
  /** Lines of a server's output, each with its name before it. */
  output(server: Server, lines: readonly string[]): void;
  /** A server's phase or progress changed. */
  changed(server: Server): void;
  /** No start-up to show (any more). */
  close(): void;
}

/** A board below the scrolling lines on a terminal that can move its cursor, a line per change of phase elsewhere. */
export function createScreen(terminal: Terminal, servers: readonly Server[], env: NodeJS.ProcessEnv): Screen {
  return terminal.isTTY && env.TERM !== 'dumb' ? new BoardScreen(terminal, servers) : new PlainScreen(terminal);
}

class PlainScreen implements Screen {
  readonly #terminal: Terminal;
  readonly #shown = new Map<Server, string>();
  readonly #output: ShownOutput;

  constructor(terminal: Terminal) {
    this.#terminal = terminal;
    this.#output = new ShownOutput(terminal);
  }

  print(text: string): void {
    this.#terminal.write(text);
  }

  output(server: Server, lines: readonly string[]): void {
    const text = this.#output.take(server, lines, `${server.plan.name} | `);
    if (text !== '') this.#terminal.write(text);
  }

  changed(server: Server): void {
    if (this.#shown.get(server) === server.phase.name) return;
    this.#shown.set(server, server.phase.name);
    this.#terminal.write(`${server.plan.name} ${describePhase(server.phase)} (${seconds(server.elapsedMs)})\n`);
  }

  close(): void {}
}

const COLOURS = ['cyan', 'yellow', 'green', 'magenta', 'blue', 'red'] as const;
/** The seconds on the board go on by themselves. */
const TICK_MS = 1_000;
/** Bars move by at most so many redraws. */
const REDRAW_MS = 100;

class BoardScreen implements Screen {
  readonly #terminal: Terminal;
  readonly #board: Board;
  readonly #output: ShownOutput;
  readonly #servers: readonly Server[];
  readonly #ticker: NodeJS.Timeout;
  readonly #resized = () => this.#draw();
  #redraw: NodeJS.Timeout | undefined;
  #closed = false;

  constructor(terminal: Terminal, servers: readonly Server[]) {
    this.#terminal = terminal;
    this.#board = new Board(terminal);
    this.#output = new ShownOutput(terminal);
    this.#servers = servers;
    this.#ticker = setInterval(() => this.#draw(), TICK_MS).unref();
    terminal.on?.('resize', this.#resized);
    this.#draw();
  }

  print(text: string): void {
    this.#board.print(text);
  }

  output(server: Server, lines: readonly string[]): void {
    const { name, rank } = server.plan;
    const text = this.#output.take(server, lines, styleText(colourOf(rank), `${name} | `));
    if (text !== '') this.#board.print(text);
  }

  changed(): void {
    if (!this.#closed) this.#redraw ??= setTimeout(() => this.#draw(), REDRAW_MS).unref();
  }

  close(): void {
    if (this.#closed) return;
    this.#draw();
    this.#closed = true;
    clearInterval(this.#ticker);
    this.#terminal.off?.('resize', this.#resized);
    this.#board.close();
  }

  #draw(): void {
    clearTimeout(this.#redraw);
    this.#redraw = undefined;
    this.#board.show(boardLines(this.#servers, this.#board.room));
  }
}

function colourOf(rank: number): (typeof COLOURS)[number] {
  return COLOURS[rank % COLOURS.length] ?? 'cyan';
}
