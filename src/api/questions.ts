import { RouterError } from '../errors/errors.ts';

/** Different questions that are put to the workers at once: the answers are read in the main thread, where requests are served. */
const MOST_AT_ONCE = 4;
const MOST_WAITING = 100;

/** Questions to the workers whose answers are for all who ask the same meanwhile; of different ones only a few are asked at once. */
export class Questions {
  readonly #underWay = new Map<string, Promise<unknown>>();
  readonly #line: (() => void)[] = [];
  #asked = 0;

  /** The answer to a question, or to the same one that is asked, or waits, already. */
  ask<T>(question: string, ask: () => Promise<T>): Promise<T> {
    const known = this.#underWay.get(question) as Promise<T> | undefined;
    if (known) return known;
    const answer = this.#inTurn(ask).finally(() => this.#underWay.delete(question));
    this.#underWay.set(question, answer);
    return answer;
  }

  async #inTurn<T>(ask: () => Promise<T>): Promise<T> {
    if (this.#asked < MOST_AT_ONCE) this.#asked++;
    else await this.#wait();
    try {
      return await ask();
    } finally {
      const next = this.#line.shift();
      if (next) next();
      else this.#asked--;
    }
  }

  #wait(): Promise<void> {
    if (this.#line.length < MOST_WAITING) return new Promise((resolve) => this.#line.push(resolve));
    const message = `${MOST_WAITING} questions to the workers wait already; try again`;
    throw new RouterError('too_many_requests', message, { retryAfterSecs: 1 });
  }
}
