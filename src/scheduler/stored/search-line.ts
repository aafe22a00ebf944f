/** Each search asks all servers: 200 clients with made-up ids and 50 servers took 9,800 connections, and other requests 900 ms. */
const MOST_AT_ONCE = 4;
/** Time after which a search no longer counts: it waits for servers that are slow, or hang. */
const PATIENCE_MS = 250;

/** Lets a few searches run at once; others wait in their order. */
export class SearchLine {
  readonly #waiting = new Set<() => void>();
  #running = 0;

  /** Searches in its turn; undefined where `over` aborts before. */
  async run<T>(over: AbortSignal, search: () => Promise<T>): Promise<T | undefined> {
    if (!(await this.#enter(over))) return undefined;
    let counts = true;
    const leave = () => {
      if (counts) this.#leave();
      counts = false;
    };
    const timer = setTimeout(leave, PATIENCE_MS);
    try {
      return await search();
    } finally {
      clearTimeout(timer);
      leave();
    }
  }

  #enter(over: AbortSignal): boolean | Promise<boolean> {
    if (over.aborted) return false;
    if (this.#running < MOST_AT_ONCE) {
      this.#running++;
      return true;
    }
    return new Promise((resolve) => {
      const enter = () => {
        over.removeEventListener('abort', giveUp);
        resolve(true);
      };
      const giveUp = () => {
        this.#waiting.delete(enter);
        resolve(false);
      };
      over.addEventListener('abort', giveUp, { once: true });
      this.#waiting.add(enter);
    });
  }

  #leave(): void {
    const [next] = this.#waiting;
    if (next) {
      this.#waiting.delete(next);
      next();
    } else this.#running--;
  }
}
