import type { IncomingHttpHeaders } from 'node:http';
import type { Kept } from '../http/endpoint.ts';
import type { Usage } from '../link/outcome.ts';
import { AnswerTail } from './answer-tail.ts';
import { KeptId } from './kept-id.ts';

/** Reads from one answer, as it passes, what the scheduler has to know of it. */
export class AnswerReader {
  readonly #tail = new AnswerTail();
  readonly #keptId: KeptId | undefined;
  #streams = false;
  #plain = false;

  /** `keeps`: what the worker keeps from now on, whose id is `learned`. */
  constructor(keeps: Kept | undefined, learned: (id: string) => void) {
    this.#keptId = keeps && new KeptId(keeps, learned);
  }

  /** It is a stream of events; known with its head. */
  get streams(): boolean {
    return this.#streams;
  }

  /** Its events can be read. */
  get readable(): boolean {
    return this.#streams && this.#plain;
  }

  head(status: number, headers: IncomingHttpHeaders): void {
    this.#streams = String(headers['content-type']).startsWith('text/event-stream');
    this.#plain = headers['content-encoding'] === undefined;
    this.#keptId?.status(status);
  }

  see(chunk: Buffer): void {
    this.#tail.see(chunk);
    this.#keptId?.see(chunk);
  }

  /** Whole chunks in the chunked coding have come, after the first piece. */
  seeChunks(coded: Buffer): void {
    this.#tail.seeChunks(coded);
  }

  /** Chunks of the answer need not be taken apart. */
  get passesChunks(): boolean {
    return this.#keptId === undefined;
  }

  /** The status of an error with which its stream has ended; undefined where there is none. */
  errorAtEnd(): number | undefined {
    return this.readable ? this.#tail.errorStatus() : undefined;
  }

  usage(): Usage {
    return this.#tail.read();
  }
}
