import { styleText } from 'node:util';
import { Board } from './board.ts';
import { describePhase, isProgressBar } from './phases.ts';
import type { Server } from './server.ts';

/** What a screen writes to: standard output, or a test's own. */
export interface Terminal {
  readonly isTTY?: boolean;
  readonly columns?: number;
  write(text: string): unknown;
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

/** A board below the scrolling lines on a terminal, a line per change of phase elsewhere. */
export function createScreen(terminal: Terminal, servers: readonly Server[]): Screen {
  return terminal.isTTY ? new BoardScreen(terminal, servers) : new PlainScreen(terminal);
}

class PlainScreen implements Screen {
  readonly #terminal: Terminal;
  readonly #shown = new Map<Server, string>();

  constructor(terminal: Terminal) {
    this.#terminal = terminal;
  }

  print(text: string): void {
    this.#terminal.write(text);
  }

  output(server: Server, lines: readonly string[]): void {
    const text = withName(lines, `${server.plan.name} | `);
    if (text !== '') this.#terminal.write(text);
  }

  changed(server: Server): void {
    if (this.#shown.get(server) === server.phase.name) return;
    this.#shown.set(server, server.phase.name);
    this.#terminal.write(`${server.plan.name} ${describePhase(server.phase)} (${seconds(server)})\n`);
  }

  close(): void {}
}

const COLOURS = ['cyan', 'yellow', 'green', 'magenta', 'blue', 'red'] as const;
/** The seconds on the board go on by themselves. */
const TICK_MS = 1_000;
/** Bars move by at most so many redraws. */
const REDRAW_MS = 100;
const BAR_CELLS = 12;

class BoardScreen implements Screen {
  readonly #board: Board;
  readonly #servers: readonly Server[];
  readonly #ticker: NodeJS.Timeout;
  #redraw: NodeJS.Timeout | undefined;
  #closed = false;

  constructor(terminal: Terminal, servers: readonly Server[]) {
    this.#board = new Board(terminal);
    this.#servers = servers;
    this.#ticker = setInterval(() => this.#draw(), TICK_MS).unref();
    this.#draw();
  }

  print(text: string): void {
    this.#board.print(text);
  }

  output({ plan }: Server, lines: readonly string[]): void {
    const text = withName(lines, styleText(colourOf(plan.rank), `${plan.name} | `));
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
    this.#board.close();
  }

  #draw(): void {
    clearTimeout(this.#redraw);
    this.#redraw = undefined;
    this.#board.show(this.#servers.map(boardLine));
  }
}

/** `w0 :31000  ████████░░░░  weights 62%  12.3 s`. */
function boardLine(server: Server): string {
  const filled = Math.round(server.share * BAR_CELLS);
  const bar = '█'.repeat(filled) + '░'.repeat(BAR_CELLS - filled);
  const state = server.over && !server.ready ? 'ended' : describePhase(server.phase);
  return `${server.plan.name} :${server.port}  ${bar}  ${state}  ${seconds(server)}`;
}

/** Progress bars are left out: the phase shows what they say, and the log file has them. */
function withName(lines: readonly string[], name: string): string {
  let text = '';
  for (const line of lines) if (!isProgressBar(line)) text += `${name}${line}\n`;
  return text;
}

function seconds(server: Server): string {
  return `${(server.elapsedMs / 1000).toFixed(1)} s`;
}

function colourOf(rank: number): (typeof COLOURS)[number] {
  return COLOURS[rank % COLOURS.length] ?? 'cyan';
}
