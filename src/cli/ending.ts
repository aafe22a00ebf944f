import { type Fleet, STOP_GRACE_MS } from '../launch/fleet.ts';
import type { Screen } from '../launch/screen/screen.ts';
import type { Log } from '../observe/log/log.ts';
import type { Router } from '../router/router.ts';

/** How often the log says what the end still waits for. */
const TELL_MS = 10_000;
const MOST_NAMES = 4;

/** The end of a launch, which tells what it waits for and how long at most. */
export class Ending {
  readonly #screen: Screen;
  readonly #log: Log;

  constructor(screen: Screen, log: Log) {
    this.#screen = screen;
    this.#log = log;
  }

  /** Lets requests in flight finish. */
  async drain(router: Router, graceMs: number): Promise<void> {
    const inFlight = () => {
      const { serving } = router;
      return serving === 0 ? undefined : `${serving} ${serving === 1 ? 'request' : 'requests'} in flight`;
    };
    const cut = await this.#wait(router.drain(graceMs), graceMs, inFlight);
    if (cut > 0) this.#log.warning('requests cut off by the end of the grace period', { requests: cut });
  }

  /** Stops the servers. */
  async stop(fleet: Fleet): Promise<void> {
    const running = () => {
      const names = fleet.servers.filter(({ pid }) => pid !== undefined).map(({ plan }) => plan.name);
      if (names.length === 0) return undefined;
      return `${names.length > MOST_NAMES ? `${names.length} servers` : names.join(', ')} still run`;
    };
    const left = await this.#wait(fleet.stop(), STOP_GRACE_MS, running);
    if (left.length > 0) this.#log.error('processes that cannot be ended', { pids: left.join(' ') });
  }

  /** Waits for `work`, which takes `graceMs` at most; `left` says what of it is left, nothing where there is none. */
  async #wait<T>(work: Promise<T>, graceMs: number, left: () => string | undefined): Promise<T> {
    const endMs = performance.now() + graceMs;
    const text = () => {
      const what = left();
      const seconds = Math.max(0, Math.ceil((endMs - performance.now()) / 1000));
      return what === undefined ? 'stopping' : `stopping: ${what}, ${seconds} s at most`;
    };
    const tell = () => {
      if (left() !== undefined) this.#log.info(text());
    };
    this.#screen.ending(text);
    tell();
    const timer = setInterval(tell, TELL_MS).unref();
    try {
      return await work;
    } finally {
      clearInterval(timer);
    }
  }
}
