import { RouterError } from '../errors/errors.ts';

const MOST_AT_ONCE = 16;

/** Requests for all workers of which only a few are made at once: each takes a connection to every worker. */
export class FewAtOnce {
  #underWay = 0;

  /** Throws RouterError `too_many_requests` where as many are under way already. */
  async make<T>(request: () => Promise<T>): Promise<T> {
    if (this.#underWay >= MOST_AT_ONCE) {
      const message = `${MOST_AT_ONCE} such requests for all workers are under way already; try again`;
      throw new RouterError('too_many_requests', message, { retryAfterSecs: 1 });
    }
    this.#underWay++;
    try {
      return await request();
    } finally {
      this.#underWay--;
    }
  }
}
