import type { IncomingHttpHeaders } from 'node:http';
import type { RouterError } from '../../errors/errors.ts';
import { tooLargeToHold } from '../../link/failure.ts';
import type { AnswerInfo, Sink } from '../sink.ts';
import { changeData, EventSplitter } from './events.ts';

/** Something that is merged into an answer. */
export interface Merge {
  /** Merges into one JSON text: a whole answer, or an event's data. Returns the same bytes if it has no place there. */
  merge(json: Buffer): Buffer;
}

interface MergingOptions {
  /** The URL of the answering server. */
  readonly from: string;
  /** Most bytes of an event, or of an answer that is not streamed. */
  readonly mostBytes: number;
}

/** Most bytes of a waiting stream; it is read on so that the end of its server is noticed. */
const MOST_WAITING_BYTES = 4 * 1024 * 1024;

/** Decode's answer with the prefill server's data merged in; it waits until that is `learned`. */
export class MergingAnswer implements Sink {
  readonly #client: Sink;
  readonly #merge: Merge;
  readonly #options: MergingOptions;
  readonly #events = new EventSplitter();
  #streams = false;
  #learned = false;
  #ended = false;
  /** Whole events, or pieces of the one JSON text, that were not sent yet. */
  #waiting: Buffer[] = [];
  #waitingBytes = 0;
  #resume: (() => void) | undefined;

  constructor(client: Sink, merge: Merge, options: MergingOptions) {
    this.#client = client;
    this.#merge = merge;
    this.#options = options;
  }

  get started(): boolean {
    return this.#client.started;
  }

  head(status: number, text: string | undefined, headers: IncomingHttpHeaders, info: AnswerInfo): void {
    this.#streams = info.streams;
    const { 'content-length': _, ...rest } = headers;
    this.#client.head(status, text, rest, info);
  }

  /** Throws RouterError `worker_answer_too_large` if more must be held than allowed. */
  data(chunk: Buffer): boolean {
    this.#waiting.push(...(this.#streams ? this.#events.push(chunk) : [chunk]));
    this.#waitingBytes += chunk.length;
    const { from, mostBytes } = this.#options;
    if ((this.#streams ? this.#events.restBytes : this.#waitingBytes) > mostBytes)
      throw tooLargeToHold(from, mostBytes);
    if (this.#learned) return this.#flush();
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

  /** The prefill server has told everything; only now may the answer go on. */
  learned(): void {
    if (this.#learned) return;
    this.#learned = true;
    if (this.#ended) this.#finish();
    else {
      this.#flush();
      this.#resume?.();
    }
  }

  /** Sends what is ready; false when the client reads too slowly. */
  #flush(): boolean {
    if (!this.#streams) return true;
    let drained = true;
    for (const event of this.#waiting) {
      drained = this.#client.data(changeData(event, (json) => this.#merge.merge(json)));
    }
    this.#waiting = [];
    return drained;
  }

  #finish(): void {
    this.#flush();
    const last = this.#streams ? this.#events.rest : this.#merge.merge(Buffer.concat(this.#waiting));
    if (last.length > 0) this.#client.data(last);
    this.#client.end();
  }
}
