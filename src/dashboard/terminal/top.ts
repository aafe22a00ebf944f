import type { Terminal } from '../../terminal/terminal.ts';
import type { Snapshot } from '../snapshot.ts';
import { frame, mostScrolled } from './frame.ts';
import { FullScreen } from './full-screen.ts';
import { followSnapshots, type RouterAddress } from './router-client.ts';

/** What `top` runs on. */
interface TopTerminal extends Terminal {
  on(event: 'resize', listener: () => void): unknown;
  off(event: 'resize', listener: () => void): unknown;
}

/** Where keys come from; absent where it is no terminal. */
interface Keyboard {
  setRawMode(raw: boolean): unknown;
  on(event: 'data', listener: (keys: Buffer) => void): unknown;
  off(event: 'data', listener: (keys: Buffer) => void): unknown;
  resume(): unknown;
  pause(): unknown;
}

interface TopParts {
  readonly router: RouterAddress;
  readonly terminal: TopTerminal;
  readonly keyboard: Keyboard | undefined;
  readonly env: NodeJS.ProcessEnv;
  /** Ends it. */
  readonly stop: AbortController;
}

const AGAIN_AFTER_MS = 1_000;
/** As many as the widest line of them shows. */
const KEPT_RATES = 60;
const PAGE = 10;
const STEPS: Readonly<Record<string, number>> = {
  '\x1b[A': -1,
  '\x1b[B': 1,
  '\x1bOA': -1,
  '\x1bOB': 1,
  k: -1,
  j: 1,
  '\x1b[5~': -PAGE,
  '\x1b[6~': PAGE,
};
/** q, Ctrl-C and Ctrl-D; of a terminal in raw mode Ctrl-C is a key like any other. */
const QUITS: ReadonlySet<string> = new Set(['q', 'Q', '\x03', '\x04']);

/** Shows a router on the whole terminal until it is stopped. Throws an ExitError where there is nothing to show from the first. */
export async function runTop({ router, terminal, keyboard, env, stop }: TopParts): Promise<void> {
  const snapshots = followSnapshots(router, stop.signal);
  // Before the screen is taken, so that what is wrong is said where it stays.
  const first = await snapshots.next();
  const view = new TopView(router, new FullScreen(terminal, env));
  const redraw = () => view.draw();
  const press = (keys: Buffer) => {
    const key = keys.toString();
    if (QUITS.has(key)) stop.abort();
    else view.scroll(STEPS[key] ?? 0);
  };
  terminal.on('resize', redraw);
  keyboard?.setRawMode(true);
  keyboard?.on('data', press);
  keyboard?.resume();
  try {
    if (!first.done) view.show(first.value);
    for await (const snapshot of snapshots) view.show(snapshot);
    await followAgain(router, view, stop.signal);
  } catch (error) {
    if (!stop.signal.aborted) await followAgain(router, view, stop.signal, error as Error);
  } finally {
    terminal.off('resize', redraw);
    keyboard?.off('data', press);
    keyboard?.setRawMode(false);
    keyboard?.pause();
    view.close();
  }
}

/** The connection has ended: what is shown stays, and is said to be old, until there is a new one. */
async function followAgain(router: RouterAddress, view: TopView, signal: AbortSignal, why?: Error): Promise<void> {
  let problem = why?.message ?? 'the router has ended the connection';
  while (!signal.aborted) {
    view.warn(`${problem}; trying again   q quit`);
    await passed(AGAIN_AFTER_MS, signal);
    try {
      for await (const snapshot of followSnapshots(router, signal)) view.show(snapshot);
    } catch (error) {
      problem = (error as Error).message;
    }
  }
}

function passed(ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const timer = setTimeout(resolve, ms);
    signal.addEventListener('abort', () => {
      clearTimeout(timer);
      resolve();
    });
  });
}

class TopView {
  readonly #router: RouterAddress;
  readonly #screen: FullScreen;
  readonly #rates: number[] = [];
  #snapshot: Snapshot | undefined;
  #scrolled = 0;
  #notice: string | undefined;

  constructor(router: RouterAddress, screen: FullScreen) {
    this.#router = router;
    this.#screen = screen;
  }

  show(snapshot: Snapshot): void {
    this.#snapshot = snapshot;
    this.#notice = undefined;
    if (snapshot.lastSecond) this.#rates.push(snapshot.lastSecond.requestsPerSec);
    if (this.#rates.length > KEPT_RATES) this.#rates.shift();
    this.draw();
  }

  warn(notice: string): void {
    this.#notice = notice;
    this.draw();
  }

  scroll(lines: number): void {
    if (lines === 0 || !this.#snapshot) return;
    this.#scrolled = Math.min(Math.max(0, this.#scrolled + lines), mostScrolled(this.#snapshot));
    this.draw();
  }

  draw(): void {
    if (!this.#snapshot) return;
    const scrolled = Math.min(this.#scrolled, mostScrolled(this.#snapshot));
    const parts = { snapshot: this.#snapshot, rates: this.#rates, notice: this.#notice, url: this.#router.url };
    this.#screen.draw(frame({ ...parts, ...this.#screen.size, scrolled }));
  }

  close(): void {
    this.#screen.close();
  }
}
