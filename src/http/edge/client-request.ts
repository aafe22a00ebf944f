import type { IncomingHttpHeaders } from 'node:http';
import { RouterError } from '../../errors/errors.ts';
import { Pieces } from '../wire/pieces.ts';
import type { BodyBudget, HeldBody } from './body-budget.ts';
import { freeBytes } from './body-memory.ts';
import type { IncomingRequest } from './incoming-request.ts';
import type { RequestHead } from './request-head.ts';

/** The connection or stream that a request's body comes over. */
export interface BodySource {
  readonly bodyBudget: BodyBudget;
  /** Starts to read the body; tells a client that waits for `100 Continue`. */
  readBody(): void;
  /** Reads on after a pause. */
  resumeBody(): void;
}

const EMPTY = Buffer.alloc(0);
/** Bytes of a body that are read before it is asked for. */
const MOST_UNASKED_BYTES = 64 * 1024;

/** One request of a client: its head, and its body on demand. */
export class ClientRequest implements IncomingRequest, HeldBody {
  readonly method: string;
  /** The request target as it was sent. */
  readonly url: string;
  readonly minor: 0 | 1;
  readonly headers: IncomingHttpHeaders;
  readonly keepsAlive: boolean;
  /** The protocols to which the client offers to upgrade; undefined if none. */
  readonly upgrade: string | undefined;
  /** The client connected before the router began to shut down; its connection ends with this answer. */
  readonly last: boolean;
  readonly #length: number | 'chunked';
  readonly #source: BodySource;
  #complete = false;
  #failure: Error | undefined;
  #maxBytes = 0;
  #bytes = 0;
  #first: Buffer = EMPTY;
  /** What has come, in several pieces, until they are copied into one. */
  #pieces: Pieces | undefined;
  #whole: Buffer | undefined;
  #waiter: PromiseWithResolvers<Buffer> | undefined;
  /** Waits for room for what the body is decoded to. */
  #room: PromiseWithResolvers<void> | undefined;

  constructor(head: RequestHead, source: BodySource, last = false) {
    const { method, url, minor, headers, length, keepsAlive, upgrade } = head;
    this.method = method;
    this.url = url;
    this.minor = minor;
    this.headers = headers;
    this.keepsAlive = keepsAlive;
    this.upgrade = upgrade;
    this.last = last;
    this.#length = length;
    this.#source = source;
  }

  /** Whether the whole request has come. */
  get complete(): boolean {
    return this.#complete;
  }

  /** Whether much of the body is still with the client: it waits for `100 Continue`, or sends more than is read unasked. */
  get comesLater(): boolean {
    if (this.#complete) return false;
    return this.#length === 'chunked' || this.#length > MOST_UNASKED_BYTES || this.headers.expect !== undefined;
  }

  /** Whether the body was asked for. */
  get isRead(): boolean {
    return this.#waiter !== undefined;
  }

  /** Whether the bytes taken last are not needed any more: they were copied, or the body has failed. */
  get spent(): boolean {
    return this.#whole !== undefined || this.#pieces !== undefined || this.#failure !== undefined;
  }

  /**
   * The whole body in one Buffer of at most `maxBytes`; once. Rejects with RouterError `payload_too_large` as soon as the length
   * is known or passed, without keeping what came, and with ClientGoneError when the connection ends first.
   */
  body(maxBytes: number): Promise<Buffer> {
    if (this.#failure) return Promise.reject(this.#failure);
    const bytes = this.#length === 'chunked' ? this.#bytes : this.#length;
    if (bytes > maxBytes) return Promise.reject(tooLarge(bytes, maxBytes));
    if (this.#complete) return Promise.resolve(this.#take());
    this.#maxBytes = maxBytes;
    this.#waiter = Promise.withResolvers();
    this.#source.readBody();
    return this.#waiter.promise;
  }

  /** Takes bytes of the body; false when reading should pause. */
  take(chunk: Buffer): boolean {
    if (this.#failure) return false;
    this.#bytes += chunk.length;
    if (this.#waiter && this.#bytes > this.#maxBytes) {
      this.fail(tooLarge(this.#bytes, this.#maxBytes));
      return false;
    }
    this.#keep(chunk);
    if (chunk.length === this.#length) {
      this.#source.bodyBudget.hold(chunk.length);
      return true;
    }
    const hasRoom = this.#source.bodyBudget.take(this, chunk.length);
    return hasRoom && (this.#waiter !== undefined || this.#bytes < MOST_UNASKED_BYTES);
  }

  goOn(): void {
    if (this.#room) this.#room.resolve();
    else if (this.#waiter) this.#source.resumeBody();
  }

  hold(bytes: number): Promise<void> | undefined {
    if (this.#failure) return Promise.reject(this.#failure);
    this.#bytes += bytes;
    if (this.#source.bodyBudget.take(this, bytes)) return undefined;
    this.#room = Promise.withResolvers();
    return this.#room.promise;
  }

  holdsAll(): void {
    this.#source.bodyBudget.complete(this);
  }

  /** Releases the bytes of the body. */
  release(): void {
    if (this.#bytes === 0) return;
    this.#source.bodyBudget.give(this, this.#bytes);
    this.#bytes = 0;
  }

  /** The request is whole. */
  end(): void {
    this.#complete = true;
    if (this.#bytes > 0) this.#source.bodyBudget.complete(this);
    if (!this.#failure && this.#waiter) this.#waiter.resolve(this.#take());
  }

  /** Fails the body: the rest will not come, or must not be read. */
  fail(error: Error): void {
    if (this.#failure) return;
    this.#failure = error;
    this.#room?.reject(error);
    if (this.#complete) return;
    this.#waiter?.reject(error);
    if (this.#whole) freeBytes(this.#whole);
    this.#letGo();
    this.release();
  }

  #keep(chunk: Buffer): void {
    const before = this.#bytes - chunk.length;
    if (before === 0) {
      this.#first = chunk;
      return;
    }
    if (!this.#whole && !this.#pieces) {
      this.#pieces = new Pieces();
      this.#pieces.add(this.#first);
      freeBytes(this.#first);
    }
    // A declared length takes memory only once the body is asked for: nobody may want it.
    if (this.#pieces && this.#waiter && this.#length !== 'chunked') {
      this.#whole = Buffer.allocUnsafeSlow(this.#length);
      this.#pieces.moveTo(this.#whole);
      this.#pieces = undefined;
    }
    if (this.#whole) this.#whole.set(chunk, before);
    else this.#pieces?.add(chunk);
  }

  /** Hands the body over; one that came in one piece, as nearly all do, is not copied. */
  #take(): Buffer | Promise<Buffer> {
    const body = this.#whole ?? this.#pieces?.whole() ?? this.#first;
    this.#letGo();
    return body;
  }

  #letGo(): void {
    this.#first = EMPTY;
    this.#whole = undefined;
    this.#pieces = undefined;
  }
}

function tooLarge(bytes: number, maxBytes: number): RouterError {
  return new RouterError(
    'payload_too_large',
    `expected a body of at most ${maxBytes} bytes, got ${bytes} or more; raise --max-payload-size to allow it`,
  );
}
