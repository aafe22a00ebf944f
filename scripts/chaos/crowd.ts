import { Agent } from 'node:http';
import { setTimeout as delay } from 'node:timers/promises';
import { ask, type Outcome, type Reply } from './ask.ts';
import type { Question } from './question.ts';

export interface CrowdOptions {
  readonly clients: number;
  readonly timeoutMs: number;
  /** A client asks so often at most. */
  readonly paceMs?: number;
  /** The question with this number. */
  readonly next: (number: number) => Question;
}

/** Clients that ask one question after another until told to stop. */
export class Crowd {
  /** How many there were of each. */
  readonly counts: Record<Outcome, number> = { right: 0, terminated: 0, cut: 0, wrong: 0, refused: 0, unreachable: 0 };
  /** The first of those that were not right. */
  readonly odd: Reply[] = [];
  /** Told of every reply. */
  onReply: (reply: Reply) => void = () => {};
  readonly #url: string;
  readonly #options: CrowdOptions;
  readonly #agent = new Agent({ keepAlive: true });
  readonly #running: Promise<unknown>;
  readonly #watchers = new Set<() => void>();
  /** Numbers of the questions under way. */
  readonly #open = new Set<number>();
  /** Questions sent again on a fresh connection. */
  sentAgain = 0;
  #asked = 0;
  #replies = 0;
  #stopped = false;

  constructor(url: string, options: CrowdOptions) {
    this.#url = url;
    this.#options = options;
    this.#running = Promise.all(Array.from({ length: options.clients }, () => this.#client()));
  }

  get replies(): number {
    return this.#replies;
  }

  /** Resolves when so many replies are there. */
  reached(replies: number): Promise<void> {
    return this.when(() => this.#replies >= replies);
  }

  /** Resolves when the condition holds after some reply. */
  when(condition: () => boolean): Promise<void> {
    return new Promise((resolve) => {
      const look = () => {
        if (!condition()) return;
        this.#watchers.delete(look);
        resolve();
      };
      this.#watchers.add(look);
      look();
    });
  }

  /** Resolves when everything that was asked until now is answered. */
  reachedAll(): Promise<void> {
    const asked = this.#asked;
    return this.when(() => [...this.#open].every((number) => number >= asked));
  }

  /** Lets everybody finish the question under way. */
  async stop(): Promise<void> {
    this.#stopped = true;
    await this.#running;
    this.#agent.destroy();
  }

  async #client(): Promise<void> {
    while (!this.#stopped) {
      const { next, timeoutMs, paceMs = 0 } = this.#options;
      const number = this.#asked++;
      this.#open.add(number);
      const reply = await ask(this.#url, next(number), { agent: this.#agent, timeoutMs });
      this.#open.delete(number);
      this.#replies++;
      if (reply.sentAgain) this.sentAgain++;
      this.counts[reply.outcome]++;
      if (reply.outcome !== 'right' && this.odd.length < 1_000) this.odd.push(reply);
      this.onReply(reply);
      for (const watcher of this.#watchers) watcher();
      const restMs = reply.sentMs + paceMs - performance.now();
      if (restMs > 0) await delay(restMs);
    }
  }
}
