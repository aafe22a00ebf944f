import type { Log } from '../observe/log/log.ts';

/** An attempt of a request that did not answer it. */
interface FailedAttempt {
  readonly id: string;
  readonly path: string;
  readonly worker: string;
  readonly cause: string;
}

/** What recurs within it is told in one line. */
const FOLDED_MS = 1_000;
/** Causes that are folded each by itself. */
const MOST_CAUSES = 256;
const OTHER_CAUSES = 'other causes';

/** Tells of failed attempts: of the first one of a worker and a cause at once, of further ones once a second, with their number. */
export class FailureLog {
  readonly #log: Log;
  /** Worker and cause → how often they came again. */
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
