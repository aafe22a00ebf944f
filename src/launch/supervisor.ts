import type { Server } from './server.ts';

/** What is asked of a server here. */
type Supervised = Pick<Server, 'restart' | 'servedMs'>;

/** Calls `then` after `ms`; the returned function calls it off. */
export type Alarm = (ms: number, then: () => void) => () => void;

/** A restart that will come: which one in a row, and after how long. */
export interface PlannedRestart {
  readonly number: number;
  readonly waitMs: number;
}

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
  readonly #restarts = new Map<Supervised, number>();
  readonly #planned = new Map<Supervised, () => void>();
  #closed = false;

  /** `limit` restarts in a row. */
  constructor(limit: number, alarm: Alarm = timerAlarm) {
    this.#limit = limit;
    this.#alarm = alarm;
  }

  /** Plans the restart of a server that ended; undefined when it is to stay down. */
  ended(server: Supervised): PlannedRestart | undefined {
    const before = server.servedMs >= STEADY_MS ? 0 : (this.#restarts.get(server) ?? 0);
    if (this.#closed || before >= this.#limit) return undefined;
    const waitMs = Math.min(FIRST_WAIT_MS * 2 ** before, LONGEST_WAIT_MS);
    this.#restarts.set(server, before + 1);
    this.#planned.set(
      server,
      this.#alarm(waitMs, () => void this.restart(server, 0)),
    );
    return { number: before + 1, waitMs };
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
