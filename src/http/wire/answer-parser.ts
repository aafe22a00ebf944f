import type { IncomingHttpHeaders } from 'node:http';
import { HTTPParserError } from 'undici/lib/core/errors.js';
import { parseHead } from './answer-head.ts';
import { isHeader } from './grammar.ts';

/** Who is told of an answer. */
export interface AnswerHandler {
  /** Interim answers (1xx) are left out. */
  head(status: number, headers: IncomingHttpHeaders, statusText: string): void;
  data(chunk: Buffer): void;
  /** The answer is whole; `reusable` where the connection may carry another. */
  end(reusable: boolean): void;
}

const MOST_HEAD_BYTES = 64 * 1024;
/** Interim answers to one request. */
const MOST_INTERIM = 16;
/** A chunk's size line with its extensions, and all trailers together. */
const MOST_LINE_BYTES = 4096;
const MOST_TRAILER_BYTES = 16 * 1024;
const MOST_SIZE_DIGITS = 13;
const SIZE_LINE = /^([0-9A-Fa-f]{1,13})(?:[ \t]*;[\t\x20-\x7e]*)?$/;
const END_OF_HEAD = Buffer.from('\r\n\r\n');
const CR = 0x0d;
const LF = 0x0a;
const NOTHING = Buffer.alloc(0);

/** What the next byte belongs to: `nothing` where nothing was asked, `body-until-close` where the body ends with the connection. */
type At = 'nothing' | 'head' | 'body' | 'body-until-close' | 'chunk-size' | 'chunk-data' | 'chunk-end' | 'trailers';

/**
 * Reads the answers of one connection (RFC 9112), each after `expect`. Strict: what could be read in two ways is an error.
 * Bytes are handed on as they lie in what was fed, without a copy; chunks of the coding one by one.
 */
export class AnswerParser {
  readonly #handler: AnswerHandler;
  #at: At = 'nothing';
  #toHead = false;
  #interim = 0;
  /** Bytes of the body or the chunk still to come. */
  #left = 0;
  #reusable = false;
  #ended = false;
  /** The beginning of a head, a size line or a trailer whose end has not come. */
  #partial: Buffer = NOTHING;
  #trailerBytes = 0;
  /** Fed, but not read: the handler has paused. */
  #unread: Buffer = NOTHING;
  #paused = false;

  constructor(handler: AnswerHandler) {
    this.#handler = handler;
  }

  /** A request was sent; `toHead` where its method was HEAD. */
  expect(toHead: boolean): void {
    this.#at = 'head';
    this.#toHead = toHead;
    this.#interim = 0;
    this.#paused = false;
  }

  /** Nothing is told any more. */
  stop(): void {
    this.#at = 'nothing';
    this.#paused = true;
    this.#unread = NOTHING;
  }

  get paused(): boolean {
    return this.#paused;
  }

  /** Keeps what is not read yet until `resume`. */
  pause(): void {
    this.#paused = true;
  }

  resume(): void {
    this.#paused = false;
    const unread = this.#unread;
    this.#unread = NOTHING;
    if (unread.length > 0) this.feed(unread);
  }

  /** Reads what came. Throws HTTPParserError when it is not HTTP, or nothing was asked. */
  feed(bytes: Buffer): void {
    let at = 0;
    while (at < bytes.length) {
      if (this.#paused) {
        this.#unread = this.#unread.length > 0 ? Buffer.concat([this.#unread, bytes.subarray(at)]) : bytes.subarray(at);
        return;
      }
      at = this.#step(bytes, at);
      if (!this.#ended) continue;
      // What follows answers nothing: whoever sent it must not be asked again.
      this.#tellEnd(this.#reusable && at === bytes.length);
      return;
    }
  }

  /** The connection has ended. False when that leaves an answer unfinished. */
  finish(): boolean {
    if (this.#at !== 'body-until-close' || this.#unread.length > 0) return false;
    this.#end();
    this.#tellEnd(false);
    return true;
  }

  /** Reads one part; returns where the next begins. */
  #step(bytes: Buffer, at: number): number {
    switch (this.#at) {
      case 'head':
        return this.#readHead(bytes, at);
      case 'body':
      case 'chunk-data':
        return this.#readData(bytes, at);
      case 'body-until-close':
        this.#handler.data(at === 0 ? bytes : bytes.subarray(at));
        return bytes.length;
      case 'chunk-size':
        return this.#readSize(bytes, at);
      case 'chunk-end':
        return this.#readChunkEnd(bytes, at);
      case 'trailers':
        return this.#readTrailer(bytes, at);
      default:
        throw new HTTPParserError('expected no bytes, as nothing was asked');
    }
  }

  #readHead(bytes: Buffer, at: number): number {
    const held = this.#partial.length;
    const all = held > 0 ? Buffer.concat([this.#partial, bytes.subarray(at)]) : bytes;
    const start = held > 0 ? 0 : at;
    const end = all.indexOf(END_OF_HEAD, Math.max(start, start + held - END_OF_HEAD.length));
    if ((end < 0 ? all.length : end) - start > MOST_HEAD_BYTES) {
      throw new HTTPParserError(`expected a head of at most ${MOST_HEAD_BYTES} bytes`);
    }
    if (end < 0) {
      // What cannot become a head is told at once: a worker that speaks something else may wait for us.
      if (!startsLikeHttp(all, start)) throw notHttp(all, start);
      if (hasBareLine(all, start)) throw new HTTPParserError('expected CR LF at the end of a line');
      this.#partial = held > 0 ? all : all.subarray(start);
      return bytes.length;
    }
    this.#partial = NOTHING;
    this.#take(all.toString('latin1', start, end));
    return end + END_OF_HEAD.length - (all.length - bytes.length);
  }

  #take(text: string): void {
    const { status, statusText, headers, reusable, length } = parseHead(text);
    if (status < 200) {
      if (status === 101) throw new HTTPParserError('expected no switch of protocols, as none was asked for');
      if (++this.#interim > MOST_INTERIM) throw new HTTPParserError('expected an answer after so many interim ones');
      return;
    }
    this.#reusable = reusable;
    this.#handler.head(status, headers, statusText);
    // Whoever was told of the head may have ended it all.
    if (this.#at !== 'head') return;
    if (this.#toHead || status === 204 || status === 304 || length === 0) this.#end();
    else if (length === 'chunked') this.#at = 'chunk-size';
    else if (length === undefined) this.#at = 'body-until-close';
    else {
      this.#at = 'body';
      this.#left = length;
    }
  }

  #readData(bytes: Buffer, at: number): number {
    const end = Math.min(bytes.length, at + this.#left);
    this.#left -= end - at;
    const whole = this.#at === 'body';
    if (this.#left === 0 && !whole) this.#at = 'chunk-end';
    this.#handler.data(at === 0 && end === bytes.length ? bytes : bytes.subarray(at, end));
    if (this.#left === 0 && whole && this.#at === 'body') this.#end();
    return end;
  }

  #readSize(bytes: Buffer, at: number): number {
    if (this.#partial.length === 0) {
      // Nearly always the line is whole and has no extension: read where it lies.
      let size = 0;
      let digits = 0;
      for (let i = at; i < bytes.length && digits <= MOST_SIZE_DIGITS; i++, digits++) {
        const byte = bytes[i] as number;
        if (byte === CR && digits > 0 && bytes[i + 1] === LF) {
          this.#startChunk(size);
          return i + 2;
        }
        const digit = hexDigit(byte);
        if (digit < 0) break;
        size = size * 16 + digit;
      }
    }
    const line = this.#line(bytes, at);
    if (line.text !== undefined) this.#startChunk(sizeOf(line.text));
    return line.next;
  }

  #startChunk(size: number): void {
    this.#left = size;
    this.#trailerBytes = 0;
    this.#at = size === 0 ? 'trailers' : 'chunk-data';
  }

  #readChunkEnd(bytes: Buffer, at: number): number {
    if (this.#partial.length === 0 && bytes[at] === CR && bytes[at + 1] === LF) {
      this.#at = 'chunk-size';
      return at + 2;
    }
    const line = this.#line(bytes, at);
    if (line.text === undefined) return line.next;
    if (line.text !== '') throw new HTTPParserError('expected a line end after the data of a chunk');
    this.#at = 'chunk-size';
    return line.next;
  }

  /** Trailers are read and dropped. */
  #readTrailer(bytes: Buffer, at: number): number {
    const { text, next } = this.#line(bytes, at);
    this.#trailerBytes += next - at;
    if (this.#trailerBytes > MOST_TRAILER_BYTES) {
      throw new HTTPParserError(`expected trailers of at most ${MOST_TRAILER_BYTES} bytes`);
    }
    if (text === '') this.#end();
    else if (text !== undefined && !isHeader(text)) throw new HTTPParserError('expected trailers as headers are');
    return next;
  }

  /** The line from `at` without its end, once that has come. */
  #line(bytes: Buffer, at: number): { readonly text: string | undefined; readonly next: number } {
    const end = bytes.indexOf(LF, at);
    const next = end < 0 ? bytes.length : end + 1;
    const all =
      this.#partial.length > 0 ? Buffer.concat([this.#partial, bytes.subarray(at, next)]) : bytes.subarray(at, next);
    if (all.length > MOST_LINE_BYTES) throw new HTTPParserError(`expected lines of at most ${MOST_LINE_BYTES} bytes`);
    if (end < 0) {
      this.#partial = all;
      return { text: undefined, next };
    }
    this.#partial = NOTHING;
    if (all[all.length - 2] !== CR) throw new HTTPParserError('expected CR LF at the end of a line');
    return { text: all.toString('latin1', 0, all.length - 2), next };
  }

  #end(): void {
    this.#at = 'nothing';
    this.#ended = true;
  }

  #tellEnd(reusable: boolean): void {
    this.#ended = false;
    this.#paused = false;
    this.#handler.end(reusable);
  }
}

/** The size that a chunk's first line gives. */
function sizeOf(line: string): number {
  const [, digits] = SIZE_LINE.exec(line) ?? [];
  if (digits === undefined) throw new HTTPParserError('expected the size of a chunk in hexadecimal digits');
  return Number.parseInt(digits, 16);
}

function hexDigit(byte: number): number {
  if (byte >= 0x30 && byte <= 0x39) return byte - 0x30;
  const letter = byte | 0x20;
  return letter >= 0x61 && letter <= 0x66 ? letter - 0x57 : -1;
}

const BEGINNING = 'HTTP/1.';

function startsLikeHttp(bytes: Buffer, at: number): boolean {
  const length = Math.min(BEGINNING.length, bytes.length - at);
  return bytes.toString('latin1', at, at + length) === BEGINNING.slice(0, length);
}

/** Whether a line ends without its CR. */
function hasBareLine(bytes: Buffer, at: number): boolean {
  for (let lf = bytes.indexOf(LF, at); lf >= 0; lf = bytes.indexOf(LF, lf + 1)) if (bytes[lf - 1] !== CR) return true;
  return false;
}

function notHttp(bytes: Buffer, at: number): Error {
  return new HTTPParserError(`expected HTTP/1.1, got ${JSON.stringify(bytes.toString('latin1', at, at + 20))}`);
}
