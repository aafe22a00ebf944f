import { setTimeout as delay } from 'node:timers/promises';
import { Agent, request } from 'undici';

export interface Tally {
  ok: number;
  /** What was wrong with the others. */
  readonly failed: string[];
  /** Connections that were refused, and tried elsewhere. */
  refused: number;
}

/** Clients that send requests one after the other, to one of the servers that there are now; a refused connection is tried elsewhere. */
export class Clients implements AsyncDisposable {
  readonly tally: Tally = { ok: 0, failed: [], refused: 0 };
  readonly #urls: () => readonly string[];
  readonly #headers: Readonly<Record<string, string>>;
  readonly #agent = new Agent({ connections: 64, keepAliveTimeout: 1_000 });
  readonly #running: readonly Promise<void>[];
  #stopped = false;

  constructor(count: number, urls: () => readonly string[], headers: Readonly<Record<string, string>> = {}) {
    this.#urls = urls;
    this.#headers = headers;
    this.#running = Array.from({ length: count }, (_, at) => this.#run(at));
  }

  /** Resolves when so many answers have come, or failed to come. */
  async have(count: number): Promise<void> {
    while (this.tally.ok + this.tally.failed.length < count) await delay(20);
  }

  async stop(): Promise<Tally> {
    this.#stopped = true;
    await Promise.all(this.#running);
    if (!this.#agent.closed) await this.#agent.close();
    return this.tally;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop();
  }

  async #run(at: number): Promise<void> {
    for (let count = 0; !this.#stopped; count++) {
      const text = `client ${at} asks for the ${count}th time: ${'lorem ipsum '.repeat(10)}`;
      const body = JSON.stringify({ text, sampling_params: { max_new_tokens: 4 } });
      await this.#ask(body);
    }
  }

  async #ask(body: string): Promise<void> {
    for (let tries = 0; ; tries++) {
      const urls = this.#urls();
      const url = urls[Math.floor(Math.random() * urls.length)];
      try {
        const { statusCode, body: answer } = await request(`${url}/generate`, {
          method: 'POST',
          body,
          headers: { 'content-type': 'application/json', ...this.#headers },
          dispatcher: this.#agent,
        });
        const text = await answer.text();
        if (statusCode === 200 && text.includes('output_ids')) this.tally.ok++;
        else this.tally.failed.push(`${statusCode} ${text.slice(0, 200)}`);
        return;
      } catch (error) {
        const { code, message } = error as NodeJS.ErrnoException;
        const refused = code === 'ECONNREFUSED' || code === 'EHOSTUNREACH' || code === 'UND_ERR_CONNECT_TIMEOUT';
        if (refused && tries < 50) {
          this.tally.refused++;
          await delay(50);
          continue;
        }
        this.tally.failed.push(`${code} ${message}`);
        return;
      }
    }
  }
}
