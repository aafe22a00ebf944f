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

  /** `stores` is the kind of object that the worker stores, and whose id `learned` gets. */
  constructor(stores: StoredKind | undefined, learned: (id: string) => void) {
    this.#storedId = stores && new StoredId(stores, learned);
  }

  /** Whether the answer is a stream of events; known with its head. */
  get streams(): boolean {
    return this.#streams;
  }

  /** Whether its events can be read, as they are not compressed. */
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

  /** Reads whole chunks in the chunked coding; never the first piece. */
  seeChunks(coded: Buffer): void {
    this.#tail.seeChunks(coded);
  }

  /** Whether chunks of the answer need not be taken apart. */
  get passesChunks(): boolean {
    return this.#storedId === undefined;
  }

  /** The status of an error event that ended the stream; undefined without one. */
  errorAtEnd(): number | undefined {
    return this.readable ? this.#tail.errorStatus() : undefined;
  }

  usage(): Usage {
    return this.#tail.read();
  }
}
