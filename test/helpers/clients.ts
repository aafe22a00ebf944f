import { setTimeout as delay } from 'node:timers/promises';
import { Agent, request } from 'undici';

export interface Tally {
  ok: number;
  /** What was wrong with the others. */
  readonly failed: string[];
  /** Connections that were refused, and tried elsewhere. */
  refused: number;
}

export interface ClientsOptions {
  /** Sent with each request. */
  readonly headers?: Readonly<Record<string, string>>;
  /** A client stays with its server until that closes the connection, as behind a Kubernetes Service; else each request goes anywhere. */
  readonly stay?: boolean;
}

/** Clients that send requests one after the other, to one of the servers that there are now; a refused connection is tried elsewhere. */
export class Clients implements AsyncDisposable {
  readonly tally: Tally = { ok: 0, failed: [], refused: 0 };
  readonly #urls: () => readonly string[];
  readonly #options: ClientsOptions;
  readonly #agent = new Agent({ connections: 64, keepAliveTimeout: 1_000 });
  readonly #running: readonly Promise<void>[];
  #stopped = false;

  constructor(count: number, urls: () => readonly string[], options: ClientsOptions = {}) {
    this.#urls = urls;
    this.#options = options;
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
    let server: string | undefined;
    for (let count = 0; !this.#stopped; count++) {
      const text = `client ${at} asks for the ${count}th time: ${'lorem ipsum '.repeat(10)}`;
      const body = JSON.stringify({ text, sampling_params: { max_new_tokens: 4 } });
      server = await this.#ask(body, server);
    }
  }

  /** Asks that server, or any. Returns whom to ask next where that is decided. */
  async #ask(body: string, server: string | undefined): Promise<string | undefined> {
    const { headers, stay } = this.#options;
    for (let tries = 0; ; tries++) {
      const urls = this.#urls();
      const url = (tries === 0 && server) || urls[Math.floor(Math.random() * urls.length)];
      try {
        const answer = await request(`${url}/generate`, {
          method: 'POST',
          body,
          headers: { 'content-type': 'application/json', ...headers },
          dispatcher: this.#agent,
        });
        const text = await answer.body.text();
        if (answer.statusCode === 200 && text.includes('output_ids')) this.tally.ok++;
        else this.tally.failed.push(`${answer.statusCode} ${text.slice(0, 200)}`);
        return stay && answer.headers.connection !== 'close' ? url : undefined;
      } catch (error) {
        const { code, message } = error as NodeJS.ErrnoException;
        const refused = code === 'ECONNREFUSED' || code === 'EHOSTUNREACH' || code === 'UND_ERR_CONNECT_TIMEOUT';
        if (refused && tries < 50) {
          this.tally.refused++;
          await delay(50);
          continue;
        }
        this.tally.failed.push(`${code} ${message}`);
        return undefined;
      }
    }
  }
}
