import type { Server } from './server.ts';

/** What is asked of a server here. */
type Supervised = Pick<Server, 'restart' | 'servedMs'>;

/** Calls `then` after `ms`; the returned function calls it off. */
export type Alarm = (ms: number, then: () => void) => () => void;

/** A restart that will come: which one since the server was last ready, and after how long. */
interface PlannedRestart {
  readonly number: number;
  readonly waitMs: number;
}

/** How a server did lately. */
interface Past {
  /** Restarts since it was ready. */
  readonly restarts: number;
  /** Ends without a while of serving in between. */
  readonly ends: number;
}

const FIRST_WAIT_MS = 1_000;
const LONGEST_WAIT_MS = 30_000;
/** A server that served for so long is started again as soon as the first time. */
const STEADY_MS = 60_000;

const timerAlarm: Alarm = (ms, then) => {
  const timer = setTimeout(then, ms).unref();
  return () => clearTimeout(timer);
};

/**
 * Starts servers again that ended: after 1 s, then twice as long each time. It gives up only a server that does not become
 * ready any more. One that requests end again and again does serve in between: whoever sends them must not end the launch.
 */
export class Supervisor {
  readonly #limit: number;
  readonly #alarm: Alarm;
  readonly #past = new Map<Supervised, Past>();
  readonly #planned = new Map<Supervised, () => void>();
  #closed = false;

  /** `limit` restarts without becoming ready. */
  constructor(limit: number, alarm: Alarm = timerAlarm) {
    this.#limit = limit;
    this.#alarm = alarm;
  }

  /** Plans the restart of a server that ended; undefined when it is to stay down. */
  ended(server: Supervised): PlannedRestart | undefined {
    const past = this.#past.get(server);
    const restarts = server.servedMs > 0 ? 0 : (past?.restarts ?? 0);
    const ends = server.servedMs >= STEADY_MS ? 0 : (past?.ends ?? 0);
    if (this.#closed || restarts >= this.#limit) return undefined;
    const waitMs = Math.min(FIRST_WAIT_MS * 2 ** ends, LONGEST_WAIT_MS);
    this.#past.set(server, { restarts: restarts + 1, ends: ends + 1 });
    this.#planned.set(
      server,
      this.#alarm(waitMs, () => void this.restart(server, 0)),
    );
    return { number: restarts + 1, waitMs };
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
