import type { Log } from '../../observe/log/log.ts';
import type { Paint } from '../../terminal/kind.ts';
import type { Terminal } from '../../terminal/terminal.ts';
import type { Server } from '../server.ts';
import type { StartTimes } from '../start-times.ts';
import type { Serving } from './banner.ts';
import type { Plan } from './plan.ts';
import type { Reader, Shown } from './shown-output.ts';

/** What a screen writes to: standard output, or a test's own. */
export interface LaunchTerminal extends Terminal, Reader {
  readonly isTTY?: boolean;
  on?(event: 'resize', listener: () => void): unknown;
  off?(event: 'resize', listener: () => void): unknown;
}

/** What a launch is shown with. */
export interface ScreenDeps {
  readonly terminal: LaunchTerminal;
  readonly paint: Paint;
  /** Which of the servers' lines are shown. */
  readonly output: Shown;
  /** Keys that servers may print. */
  readonly secrets: readonly (string | undefined)[];
  /** Takes what is shown where there is no terminal. */
  readonly log: Log;
}

/** Shows a launch: what is started, how each server comes up, what they print, where it is served, what its end waits for. */
export interface Screen {
  /** What is about to be started. */
  plan(plan: Plan, times: StartTimes): void;
  /** A server's phase or progress changed. */
  changed(server: Server): void;
  /** What a server is at beside the phases of its start; undefined when that is over. */
  note(server: Server, note: string | undefined): void;
  /** Lines of a server's output. */
  output(server: Server, lines: readonly string[]): void;
  /** It is served from now on. */
  serving(serving: Serving): void;
  /** The end of the launch waits; what for is asked again and again. */
  ending(waitsFor: () => string): void;
  /** Whole lines, newline included. */
  print(text: string): void;
  /** Nothing moves any more. */
  close(): void;
}
