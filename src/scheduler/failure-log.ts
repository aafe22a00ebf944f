import type { Log } from '../observe/log/log.ts';

/** A failed attempt at a request. */
interface FailedAttempt {
  readonly id: string;
  readonly path: string;
  readonly worker: string;
  readonly cause: string;
}

/** Failures that recur within this time become one log line. */
const FOLDED_MS = 1_000;
/** Most causes that are counted separately. */
const MOST_CAUSES = 256;
const OTHER_CAUSES = 'other causes';

/** Logs failed attempts: the first of a worker and cause at once, later ones once a second with their number. */
export class FailureLog {
  readonly #log: Log;
  /** Worker and cause → repeats since the last log line. */
  readonly #repeats = new Map<string, number>();

  constructor(log: Log) {
    this.#log = log;
  }

  note({ id, path, worker, cause }: FailedAttempt): void {
    const known = this.#repeats.get(keyOf(worker, cause));
    const isTooMuch = known === undefined && this.#repeats.size >= MOST_CAUSES;
    const reason = isTooMuch ? OTHER_CAUSES : cause;
    const key = keyOf(worker, reason);
    const times = this.#repeats.get(key);
    if (times !== undefined) {
      this.#repeats.set(key, times + 1);
      return;
    }
    this.#log.info('attempt failed', { id, path, worker, reason });
    this.#fold(key, worker, reason);
  }

  #fold(key: string, worker: string, reason: string): void {
    this.#repeats.set(key, 0);
    const tell = () => {
      const times = this.#repeats.get(key) ?? 0;
      this.#repeats.delete(key);
      if (times === 0) return;
      this.#log.info('attempts failed', { worker, reason, times });
      this.#fold(key, worker, reason);
    };
    setTimeout(tell, FOLDED_MS).unref();
  }
}

function keyOf(worker: string, cause: string): string {
  return `${worker} ${cause}`;
}
