import { Agent, type ClientRequest, type IncomingMessage, request } from 'node:http';
import { EventReader } from './event-reader.ts';
import { DIALECTS, type Said } from './request.ts';
import type { Api } from './workloads/workload.ts';

/** How one request went. Times are milliseconds of `performance.now()`. */
export interface Answer {
  readonly sentMs: number;
  /** When the first event was there; undefined where none came. */
  readonly firstMs: number | undefined;
  readonly endMs: number;
  /** Milliseconds between tokens as they came. */
  readonly gapsMs: readonly number[];
  readonly text: string;
  /** Its tokens as the simulated engine has them, where they are known. */
  readonly ids?: readonly number[];
  readonly outputTokens: number;
  /** As the engine counted; undefined where the answer does not say. */
  readonly promptTokens: number | undefined;
  readonly cachedTokens: number | undefined;
  /** From the router's headers: who served, and the share of the prompt that was expected in its cache. */
  readonly worker: string | undefined;
  readonly predictedShare: number | undefined;
  /** Why it does not count; undefined for a good answer. */
  readonly error: string | undefined;
}

export interface Target {
  /** Requests go to them in turn, also those of one conversation. */
  readonly urls: readonly string[];
  readonly model: string;
  readonly apiKey: string | undefined;
  readonly timeoutMs: number;
}

/** Sends prompts and measures streamed answers. */
export class Client {
  readonly #agent = new Agent({ keepAlive: true });
  readonly #target: Target;
  readonly #clock: () => number;
  #closed = false;
  #asked = 0;

  constructor(target: Target, clock: () => number = () => performance.now()) {
    this.#target = target;
    this.#clock = clock;
  }

  /** Resolves with what came of it, failures included. */
  async ask(api: Api, said: readonly Said[], outputTokens: number): Promise<Answer> {
    const body = Buffer.from(DIALECTS[api].body(said, outputTokens, this.#target.model));
    const call = new Call(api, said, this.#clock);
    const url = this.#target.urls[this.#asked++ % this.#target.urls.length] as string;
    const { error, request: sent } = await this.#send(url, api, body, call);
    // An idle connection that the server closed as we wrote: any HTTP client sends again.
    const stale = error === 'ECONNRESET' && sent.reusedSocket && !call.answered && !this.#closed;
    return call.answer(stale ? (await this.#send(url, api, body, call)).error : error);
  }

  close(): void {
    this.#closed = true;
    this.#agent.destroy();
  }

  #send(
    url: string,
    api: Api,
    body: Buffer,
    call: Call,
  ): Promise<{ readonly error: string | undefined; readonly request: ClientRequest }> {
    const { apiKey, timeoutMs } = this.#target;
    const headers = {
      'content-type': 'application/json',
      'content-length': body.length,
      ...(apiKey === undefined ? {} : { authorization: `Bearer ${apiKey}` }),
    };
    return new Promise((resolve) => {
      const sent = request(`${url}${DIALECTS[api].path}`, { method: 'POST', agent: this.#agent, headers });
      const over = (error?: string) => {
        clearTimeout(timer);
        resolve({ error, request: sent });
      };
      const timer = setTimeout(() => {
        over('timeout');
        sent.destroy();
      }, timeoutMs);
      sent.on('response', (response) => call.receive(response, over));
      sent.on('error', (error: NodeJS.ErrnoException) => over(error.code ?? error.message));
      sent.end(body);
    });
  }
}

/** One request under way. */
class Call {
  readonly #api: Api;
  readonly #promptBytes: number;
  readonly #clock: () => number;
  readonly #sentMs: number;
  readonly #events = new EventReader();
  readonly #gapsMs: number[] = [];
  #response: IncomingMessage | undefined;
  #firstMs: number | undefined;
  #lastMs = 0;
  #lastEvents = 0;

  constructor(api: Api, said: readonly Said[], clock: () => number) {
    this.#api = api;
    this.#promptBytes = said.reduce((bytes, { text }) => bytes + text.length, 0);
    this.#clock = clock;
    this.#sentMs = clock();
  }

  get answered(): boolean {
    return this.#response !== undefined;
  }

  receive(response: IncomingMessage, over: (error?: string) => void): void {
    this.#response = response;
    response.on('data', (chunk: Buffer) => this.#take(chunk));
    response.on('end', () => over());
    response.on('error', (error: NodeJS.ErrnoException) => over(error.code ?? error.message));
  }

  answer(failure: string | undefined): Answer {
    const endMs = this.#clock();
    const { data, complete } = this.#events.events();
    const reading = DIALECTS[this.#api].read(data);
    const status = this.#response?.statusCode ?? 0;
    const refused = status === 200 ? undefined : `HTTP ${status}: ${this.#events.text().slice(0, 160)}`;
    const outputTokens = reading.outputTokens ?? data.length;
    return {
      ...reading,
      sentMs: this.#sentMs,
      firstMs: this.#firstMs,
      endMs,
      gapsMs: betweenTokens(this.#gapsMs, this.#lastEvents, outputTokens),
      outputTokens,
      worker: this.#header('x-sglang-router-worker'),
      predictedShare: predictedShare(this.#header('x-sglang-router-matched'), this.#promptBytes),
      error: failure ?? refused ?? reading.error ?? (complete ? undefined : 'stream ended early'),
    };
  }

  /** Events that arrive together came in even steps as far as anybody can tell. */
  #take(chunk: Buffer): void {
    const events = this.#events.take(chunk);
    if (events === 0 || this.#response?.statusCode !== 200) return;
    const now = this.#clock();
    // What comes along with the first token is its role.
    if (this.#firstMs === undefined) this.#firstMs = now;
    else for (let i = 0; i < events; i++) this.#gapsMs.push((now - this.#lastMs) / events);
    this.#lastMs = now;
    this.#lastEvents = events;
  }

  #header(name: string): string | undefined {
    const value = this.#response?.headers[name];
    return typeof value === 'string' ? value : undefined;
  }
}

/** With the last token come events that are none, such as the usage: the time of all that came then is that of the tokens. */
function betweenTokens(gapsMs: readonly number[], lastEvents: number, tokens: number): readonly number[] {
  const others = gapsMs.length - (tokens - 1);
  if (others <= 0) return gapsMs;
  const last = Math.max(0, lastEvents - others);
  const spanMs = (gapsMs.at(-1) ?? 0) * lastEvents;
  return [...gapsMs.slice(0, Math.max(0, gapsMs.length - lastEvents)), ...new Array(last).fill(spanMs / last)];
}

/** The header holds prompt bytes, alone or as `matched/all`. */
function predictedShare(header: string | undefined, promptBytes: number): number | undefined {
  const [, matched, all = promptBytes] = /^(\d+)(?:\/(\d+))?/.exec(header ?? '') ?? [];
  return matched === undefined ? undefined : Math.min(1, Number(matched) / Math.max(1, Number(all)));
}
