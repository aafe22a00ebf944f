import type { Server } from './server.ts';

/** What is asked of a server here. */
type Supervised = Pick<Server, 'restart' | 'servedMs'>;

/** Calls `then` after `ms`; the returned function calls it off. */
export type Alarm = (ms: number, then: () => void) => () => void;

/** A restart that will come, and after how long. */
export interface PlannedRestart {
  /** Which one of those that are limited; undefined where it does not count. */
  readonly number: number | undefined;
  readonly waitMs: number;
}

/** The restarts of a server since it last served for long. */
interface Restarts {
  readonly all: number;
  readonly counted: number;
}

const NONE: Restarts = { all: 0, counted: 0 };

const FIRST_WAIT_MS = 1_000;
const LONGEST_WAIT_MS = 30_000;
/** A server that served for so long has nothing of a crash loop. */
const STEADY_MS = 10 * 60_000;

const timerAlarm: Alarm = (ms, then) => {
  const timer = setTimeout(then, ms).unref();
  return () => clearTimeout(timer);
};

/** Starts servers again that ended: after 1 s, then twice as long each time, and not at all once they do nothing but end. */
export class Supervisor {
  readonly #limit: number;
  readonly #alarm: Alarm;
  readonly #restarts = new Map<Supervised, Restarts>();
  readonly #planned = new Map<Supervised, () => void>();
  #closed = false;

  /** `limit` restarts in a row. */
  constructor(limit: number, alarm: Alarm = timerAlarm) {
    this.#limit = limit;
    this.#alarm = alarm;
  }

  /**
   * Plans the restart of a server that ended; undefined when it is to stay down. Where it ended `overRequest`, that counts only
   * for the wait: whoever sends such a request again and again must not end the launch.
   */
  ended(server: Supervised, overRequest = false): PlannedRestart | undefined {
    const before = server.servedMs >= STEADY_MS ? NONE : (this.#restarts.get(server) ?? NONE);
    const counted = before.counted + (overRequest ? 0 : 1);
    if (this.#closed || this.#limit === 0 || counted > this.#limit) return undefined;
    const waitMs = Math.min(FIRST_WAIT_MS * 2 ** before.all, LONGEST_WAIT_MS);
    this.#restarts.set(server, { all: before.all + 1, counted });
    this.#planned.set(
      server,
      this.#alarm(waitMs, () => void this.restart(server, 0)),
    );
    return { number: overRequest ? undefined : counted, waitMs };
  }

  /** Ends what runs of a server, with `graceMs` to do so, and starts it again, in place of any restart planned. */
  async restart(server: Supervised, graceMs: number): Promise<void> {
    this.#planned.get(server)?.();
    this.#planned.delete(server);
    if (!this.#closed) await server.restart(graceMs);
  }

  /** No more restarts. */
  close(): void {
    this.#closed = true;
    for (const cancel of this.#planned.values()) cancel();
    this.#planned.clear();
  }
}
