import { canRedraw } from '../../terminal/kind.ts';
import { BoardScreen } from './board-screen.ts';
import { LinesScreen } from './lines-screen.ts';
import { LogScreen } from './log-screen.ts';
import type { Screen, ScreenDeps } from './screen.ts';

/** A board on a terminal whose cursor may be moved, lines for people on any other, lines of the log where there is no terminal. */
export function createScreen(deps: ScreenDeps, env: NodeJS.ProcessEnv): Screen {
  const isTerminal = deps.terminal.isTTY ?? false;
  if (canRedraw(isTerminal, env)) return new BoardScreen(deps);
  return isTerminal ? new LinesScreen(deps) : new LogScreen(deps);
}
