import type { IncomingHttpHeaders } from 'node:http';
import type { StoredKind } from '../http/endpoint.ts';
import type { Usage } from '../link/outcome.ts';
import { AnswerTail } from './answer-tail.ts';
import { StoredId } from './stored-id.ts';

/** Reads from one answer, as it passes, what the scheduler has to know of it. */
export class AnswerReader {
  readonly #tail = new AnswerTail();
  readonly #storedId: StoredId | undefined;
  #streams = false;
  #plain = false;

  /** `stores`: what the worker stores from now on, whose id is `learned`. */
  constructor(stores: StoredKind | undefined, learned: (id: string) => void) {
    this.#storedId = stores && new StoredId(stores, learned);
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
    this.#storedId?.status(status);
  }

  see(chunk: Buffer): void {
    this.#tail.see(chunk);
    this.#storedId?.see(chunk);
  }

  /** Whole chunks in the chunked coding have come, after the first piece. */
  seeChunks(coded: Buffer): void {
    this.#tail.seeChunks(coded);
  }

  /** Chunks of the answer need not be taken apart. */
  get passesChunks(): boolean {
    return this.#storedId === undefined;
  }

  /** The status of an error with which its stream has ended; undefined where there is none. */
  errorAtEnd(): number | undefined {
    return this.readable ? this.#tail.errorStatus() : undefined;
  }

  usage(): Usage {
    return this.#tail.read();
  }
}
