import { redacting } from '../../observe/log/redact.ts';
import { Board } from '../../terminal/board.ts';
import type { Line } from '../../terminal/line.ts';
import type { Server } from '../server.ts';
import type { StartTimes } from '../start-times.ts';
import { bannerText, type Serving } from './banner.ts';
import { boardRows, colourOf, type Row } from './board-rows.ts';
import { type Plan, planText } from './plan.ts';
import type { LaunchTerminal, Screen, ScreenDeps } from './screen.ts';
import { ShownOutput } from './shown-output.ts';

const AGAIN = '; Ctrl-C again ends at once';
/** The seconds on the board go on by themselves. */
const TICK_MS = 1_000;
/** Bars move by at most so many redraws. */
const REDRAW_MS = 100;

/** On a terminal: a row for each server that starts, below whatever else there is to read. */
export class BoardScreen implements Screen {
  readonly #deps: ScreenDeps;
  readonly #terminal: LaunchTerminal;
  readonly #board: Board;
  readonly #output: ShownOutput;
  readonly #printOutput: (text: string) => void;
  readonly #notes = new Map<Server, string>();
  #ticker: NodeJS.Timeout | undefined;
  readonly #resized = () => this.#draw();
  #plan: Plan | undefined;
  #times: StartTimes | undefined;
  #serving = false;
  #closed = false;
  #waitsFor: (() => string) | undefined;
  #redraw: NodeJS.Timeout | undefined;

  constructor(deps: ScreenDeps) {
    const { terminal, paint, output, secrets } = deps;
    this.#deps = deps;
    this.#terminal = terminal;
    this.#board = new Board(terminal, paint);
    this.#output = new ShownOutput(terminal, output);
    this.#printOutput = redacting(secrets, (text) => this.print(text));
    terminal.on?.('resize', this.#resized);
  }

  plan(plan: Plan, times: StartTimes): void {
    this.#plan = plan;
    this.#times = times;
    this.#ticker = setInterval(() => this.#draw(), TICK_MS).unref();
    this.print(`${planText(plan, this.#deps.paint)}\n`);
    this.#draw();
  }

  changed(): void {
    this.#redraw ??= setTimeout(() => this.#draw(), REDRAW_MS).unref();
  }

  note(server: Server, note: string | undefined): void {
    if (note === undefined) this.#notes.delete(server);
    else this.#notes.set(server, note);
    this.changed();
  }

  output(server: Server, lines: readonly string[]): void {
    const { paint } = this.#deps;
    const name = paint(colourOf(server.plan.rank), `${server.plan.name} | `);
    const shown = this.#output.take(server, lines).map(({ text, importance }) => {
      if (importance === undefined) return `${name}${text}\n`;
      return `${name}${paint(importance === 'error' ? 'red' : 'yellow', text)}\n`;
    });
    if (shown.length > 0) this.#printOutput(shown.join(''));
  }

  serving(serving: Serving): void {
    this.#draw();
    this.#serving = true;
    // The rows of servers that are still starting move on, below the banner.
    if (this.#rows().length === 0) this.#board.leave();
    this.print(`${bannerText(serving, this.#deps.paint)}\n`);
    this.#draw();
  }

  ending(waitsFor: () => string): void {
    this.#waitsFor = waitsFor;
    this.#draw();
  }

  print(text: string): void {
    // What it tells of must not stand below it any more.
    this.#board.print(text, this.#lines());
  }

  close(): void {
    if (this.#waitsFor) this.#board.show([]);
    else this.#draw();
    clearInterval(this.#ticker);
    clearTimeout(this.#redraw);
    this.#terminal.off?.('resize', this.#resized);
    this.#board.leave();
    this.#closed = true;
  }

  #draw(): void {
    clearTimeout(this.#redraw);
    this.#redraw = undefined;
    this.#board.show(this.#lines());
  }

  #lines(): readonly Line[] {
    if (this.#closed) return [];
    if (this.#waitsFor)
      return [
        [
          { text: this.#waitsFor(), style: 'yellow' },
          { text: AGAIN, style: 'dim' },
        ],
      ];
    return boardRows(this.#rows(), this.#board.room);
  }

  /** All servers until it is served; then those alone that are not as they should be. */
  #rows(): Row[] {
    const { servers = [], onGpus = false } = this.#plan ?? {};
    const shown = this.#serving ? servers.filter((server) => this.#moves(server)) : servers;
    return shown.map((server) => ({
      server,
      note: this.#notes.get(server),
      remainingMs: this.#times?.remainingMs(server.phase, server.progress.inPhaseMs),
      onGpus,
    }));
  }

  #moves(server: Server): boolean {
    return this.#notes.has(server) || (!server.ready && !server.over);
  }
}
