import { RouterError } from '../errors/errors.ts';

/** Each takes a connection, and so a file. */
const MOST_CALLS = 1_024;

/** Bounds the calls that requests for all workers make at once. With nothing else under way a request is made however many workers there are. */
export class FanOutLimit {
  #calls = 0;

  /** Makes a request of so many calls. Throws RouterError `too_many_requests` where others leave no room for it. */
  async make<T>(calls: number, request: () => Promise<T>): Promise<T> {
    if (this.#calls > 0 && this.#calls + calls > MOST_CALLS) {
      const message = `requests for all workers have ${this.#calls} calls under way, and at most ${MOST_CALLS} are made; try again`;
      throw new RouterError('too_many_requests', message, { retryAfterSecs: 1 });
    }
    this.#calls += calls;
    try {
      return await request();
    } finally {
      this.#calls -= calls;
    }
  }
}
