import type { IncomingHttpHeaders } from 'node:http';
import type { RouterError } from '../../errors.ts';
import type { Described, Sink } from '../sink.ts';
import { changeData, EventSplitter } from './events.ts';
import type { PromptLogprobs } from './logprobs.ts';

/** Of a stream that waits: as long as it is read, the end of its server is noticed. */
const MOST_WAITING_BYTES = 4 * 1024 * 1024;

/** Decode's answer on its way to the client, with the prompt's logprobs put in: it waits for those of the prefill server. */
export class MergingAnswer implements Sink {
  readonly #client: Sink;
  readonly #logprobs: PromptLogprobs;
  readonly #events = new EventSplitter();
  #streams = false;
  #learned = false;
  #ended = false;
  /** Whole events, or pieces of the one JSON text, that have not gone to the client. */
  #waiting: Buffer[] = [];
  #waitingBytes = 0;
  #resume: (() => void) | undefined;

  constructor(client: Sink, logprobs: PromptLogprobs) {
    this.#client = client;
    this.#logprobs = logprobs;
  }

  get started(): boolean {
    return this.#client.started;
  }

  head(status: number, text: string | undefined, headers: IncomingHttpHeaders, described: Described): void {
    this.#streams = described.streams;
    const { 'content-length': _, ...rest } = headers;
    this.#client.head(status, text, rest, described);
  }

  data(chunk: Buffer): boolean {
    this.#waiting.push(...(this.#streams ? this.#events.push(chunk) : [chunk]));
    if (this.#learned) return this.#flush();
    this.#waitingBytes += chunk.length;
    return !this.#streams || this.#waitingBytes < MOST_WAITING_BYTES;
  }

  whenDrained(resume: () => void): void {
    if (this.#learned) this.#client.whenDrained(resume);
    else this.#resume = resume;
  }

  end(): void {
    this.#ended = true;
    if (this.#learned) this.#finish();
  }

  breakOff(error: RouterError): void {
    this.#client.breakOff(error);
  }

  /** The prefill server has told all it will tell that the client may see; nothing goes on before. */
  learned(): void {
    if (this.#learned) return;
    this.#learned = true;
    if (this.#ended) this.#finish();
    else {
      this.#flush();
      this.#resume?.();
    }
  }

  /** Sends what may be sent; false when the client reads too slowly. */
  #flush(): boolean {
    if (!this.#streams) return true;
    let drained = true;
    for (const event of this.#waiting) {
      drained = this.#client.data(changeData(event, (json) => this.#logprobs.merge(json)));
    }
    this.#waiting = [];
    return drained;
  }

  #finish(): void {
    this.#flush();
    const last = this.#streams ? this.#events.rest : this.#logprobs.merge(Buffer.concat(this.#waiting));
    if (last.length > 0) this.#client.data(last);
    this.#client.end();
  }
}
