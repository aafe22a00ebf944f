import { isHeader } from './grammar.ts';

/** How long a body is; `until-close` where it ends with the connection, `no-message` where the head was an interim one and another follows. */
export type BodyLength = number | 'chunked' | 'until-close' | 'no-message';

/** What is wrong with bytes that are no HTTP message: their form, or the size of a head, of a line of the chunked coding, of all trailers. */
export type Fault = 'form' | 'head-size' | 'line-size' | 'trailer-size';

/** Longest size line of a chunk, with its extensions. */
const MOST_LINE_BYTES = 4096;
const MOST_TRAILER_BYTES = 16 * 1024;
const MOST_SIZE_DIGITS = 13;
/** Chunk extensions are tokens, with tokens or quoted strings as values (RFC 9112 §7.1.1), without the white space that readers disagree about. */
const SIZE_LINE =
  /^([0-9A-Fa-f]{1,13})(?:;[!#$%&'*+\-.^_`|~0-9A-Za-z]+(?:=(?:[!#$%&'*+\-.^_`|~0-9A-Za-z]+|"(?:[\t !#-[\]-~\x80-\xff]|\\[\t -~\x80-\xff])*"))?)*$/;
/** Matches trailers about framing, which are not allowed (RFC 9110 §6.5.1). */
const FRAMING = /^(?:content-length|transfer-encoding):/i;
const END_OF_HEAD = Buffer.from('\r\n\r\n');
const CR = 0x0d;
const LF = 0x0a;
const NOTHING = Buffer.alloc(0);

/** What the next byte belongs to; `nothing` if no message is expected. */
type At = 'nothing' | 'head' | 'body' | 'body-until-close' | 'chunk-size' | 'chunk-data' | 'chunk-end' | 'trailers';

/**
 * Reads HTTP/1.1 messages (RFC 9112) from the bytes of one connection, each after `expect`. Strict: what could be read in two
 * ways is refused. Bytes of a body are handed on as they lie in what was fed, without a copy; chunks of the coding one by one.
 */
export abstract class MessageParser {
  readonly #mostHeadBytes: number;
  #at: At = 'nothing';
  /** Bytes of the body or chunk that are still to come. */
  #left = 0;
  #ended = false;
  /** The incomplete beginning of a head, a size line or a trailer. */
  #partial: Buffer = NOTHING;
  #trailerBytes = 0;
  /** Bytes that were fed but not read, as the handler has paused. */
  #unread: Buffer = NOTHING;
  #paused = false;

  constructor(mostHeadBytes: number) {
    this.#mostHeadBytes = mostHeadBytes;
  }

  /** Handles a head without its empty line; returns the length of the body. Throws if the head is invalid. */
  protected abstract head(text: string): BodyLength;
  protected abstract data(chunk: Buffer): void;
  /** Whether whole chunks are passed together to `chunks`. */
  protected get passesChunks(): boolean {
    return false;
  }
  /** Takes `count` whole chunks, as they came in the coding, with `bytes` of the body. */
  protected chunks(_coded: Buffer, _bytes: number, _count: number): void {}
  /** The message is whole; `rest` came after it. */
  protected abstract end(rest: Buffer): void;
  /** Whether a head may begin with `text`. */
  protected abstract canBegin(text: string): boolean;
  /** Makes the error for bytes that are no message. */
  protected abstract refusal(fault: Fault, message: string): Error;

  /** Expects another message. */
  protected expectHead(): void {
    this.#at = 'head';
    this.#paused = false;
  }

  /** Ignores everything from now on. */
  stop(): void {
    this.#at = 'nothing';
    this.#paused = true;
    this.#unread = NOTHING;
  }

  /** Whether a head is expected and none of it has come. */
  get beforeHead(): boolean {
    return this.#at === 'head' && this.#partial.length === 0;
  }

  get paused(): boolean {
    return this.#paused;
  }

  /** Keeps unread bytes until `resume`. */
  pause(): void {
    this.#paused = true;
  }

  resume(): void {
    this.#paused = false;
    const unread = this.#unread;
    this.#unread = NOTHING;
    if (unread.length > 0) this.feed(unread);
  }

  /** Reads bytes. Throws the subclass's `refusal` if they are no message, or none is expected. */
  feed(bytes: Buffer): void {
    let at = 0;
    while (at < bytes.length) {
      if (this.#paused) {
        this.#unread = this.#unread.length > 0 ? Buffer.concat([this.#unread, bytes.subarray(at)]) : bytes.subarray(at);
        return;
      }
      at = this.#step(bytes, at);
      if (!this.#ended) continue;
      this.#tellEnd(at === bytes.length ? NOTHING : bytes.subarray(at));
      return;
    }
  }

  /** Handles the end of the connection; false if a message is unfinished. */
  finish(): boolean {
    if (this.#at !== 'body-until-close' || this.#unread.length > 0) return false;
    this.#at = 'nothing';
    this.#tellEnd(NOTHING);
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
        this.data(at === 0 ? bytes : bytes.subarray(at));
        return bytes.length;
      case 'chunk-size':
        return this.passesChunks ? this.#readWholeChunks(bytes, at) : this.#readSize(bytes, at);
      case 'chunk-end':
        return this.#readChunkEnd(bytes, at);
      case 'trailers':
        return this.#readTrailer(bytes, at);
      default:
        throw this.refusal('form', 'expected no bytes, as nothing was asked');
    }
  }

  #readHead(bytes: Buffer, at: number): number {
    const held = this.#partial.length;
    const all = held > 0 ? Buffer.concat([this.#partial, bytes.subarray(at)]) : bytes;
    const start = held > 0 ? 0 : at;
    const end = all.indexOf(END_OF_HEAD, Math.max(start, start + held - END_OF_HEAD.length));
    if ((end < 0 ? all.length : end) - start > this.#mostHeadBytes) {
      throw this.refusal('head-size', `expected a head of at most ${this.#mostHeadBytes} bytes`);
    }
    if (end < 0) {
      // Bytes that cannot become a head are refused at once, as their sender may wait for an answer.
      const text = all.toString('latin1', start, start + 20);
      if (!this.canBegin(text)) throw this.refusal('form', `expected HTTP/1.1, got ${JSON.stringify(text)}`);
      if (hasBareLine(all, start)) throw this.refusal('form', 'expected CR LF at the end of a line');
      this.#partial = held > 0 ? all : all.subarray(start);
      return bytes.length;
    }
    this.#partial = NOTHING;
    this.#begin(this.head(all.toString('latin1', start, end)));
    return end + END_OF_HEAD.length - (all.length - bytes.length);
  }

  #begin(length: BodyLength): void {
    // The handler of the head may have stopped the parser.
    if (this.#at !== 'head' || length === 'no-message') return;
    if (length === 0) this.#end();
    else if (length === 'chunked') this.#at = 'chunk-size';
    else if (length === 'until-close') this.#at = 'body-until-close';
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
    this.data(at === 0 && end === bytes.length ? bytes : bytes.subarray(at, end));
    if (this.#left === 0 && whole && this.#at === 'body') this.#end();
    return end;
  }

  /** Passes all whole chunks without extensions on together; any other is read by itself. */
  #readWholeChunks(bytes: Buffer, at: number): number {
    let end = at;
    let body = 0;
    let count = 0;
    for (;;) {
      const data = this.#plainSizeLine(bytes, end);
      const next = data + this.#left + 2;
      if (data < 0 || this.#left === 0 || bytes[next - 2] !== CR || bytes[next - 1] !== LF) break;
      body += this.#left;
      count++;
      end = next;
    }
    if (count === 0) return this.#readSize(bytes, at);
    this.chunks(at === 0 && end === bytes.length ? bytes : bytes.subarray(at, end), body, count);
    return end;
  }

  #readSize(bytes: Buffer, at: number): number {
    const data = this.#plainSizeLine(bytes, at);
    if (data >= 0) {
      this.#startChunk(this.#left);
      return data;
    }
    const line = this.#line(bytes, at);
    if (line.text !== undefined) this.#startChunk(this.#sizeOf(line.text));
    return line.next;
  }

  /** Reads a whole size line without extensions, as nearly all are, into `#left`; returns where it ends, or -1 for any other. */
  #plainSizeLine(bytes: Buffer, at: number): number {
    if (this.#partial.length > 0) return -1;
    let size = 0;
    for (let i = at; i < bytes.length && i - at <= MOST_SIZE_DIGITS; i++) {
      const byte = bytes[i] as number;
      if (byte === CR && i > at && bytes[i + 1] === LF) {
        this.#left = size;
        return i + 2;
      }
      const digit = hexDigit(byte);
      if (digit < 0) break;
      size = size * 16 + digit;
    }
    return -1;
  }

  /** The size that a chunk's first line gives. */
  #sizeOf(line: string): number {
    const [, digits] = SIZE_LINE.exec(line) ?? [];
    if (digits === undefined) throw this.refusal('form', 'expected the size of a chunk in hexadecimal digits');
    return Number.parseInt(digits, 16);
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
    if (line.text !== '') throw this.refusal('form', 'expected a line end after the data of a chunk');
    this.#at = 'chunk-size';
    return line.next;
  }

  /** Reads and drops a trailer. */
  #readTrailer(bytes: Buffer, at: number): number {
    const { text, next } = this.#line(bytes, at);
    this.#trailerBytes += next - at;
    if (this.#trailerBytes > MOST_TRAILER_BYTES) {
      throw this.refusal('trailer-size', `expected trailers of at most ${MOST_TRAILER_BYTES} bytes`);
    }
    if (text === '') this.#end();
    else if (text !== undefined && (!isHeader(text) || FRAMING.test(text))) {
      throw this.refusal('form', 'expected trailers as headers are, and none that frames the message');
    }
    return next;
  }

  /** The line at `at` without its end, once whole. */
  #line(bytes: Buffer, at: number): { readonly text: string | undefined; readonly next: number } {
    const end = bytes.indexOf(LF, at);
    const next = end < 0 ? bytes.length : end + 1;
    const all =
      this.#partial.length > 0 ? Buffer.concat([this.#partial, bytes.subarray(at, next)]) : bytes.subarray(at, next);
    if (all.length > MOST_LINE_BYTES) {
      throw this.refusal('line-size', `expected lines of at most ${MOST_LINE_BYTES} bytes`);
    }
    if (end < 0) {
      this.#partial = all;
      return { text: undefined, next };
    }
    this.#partial = NOTHING;
    if (all[all.length - 2] !== CR) throw this.refusal('form', 'expected CR LF at the end of a line');
    return { text: all.toString('latin1', 0, all.length - 2), next };
  }

  #end(): void {
    this.#at = 'nothing';
    this.#ended = true;
  }

  #tellEnd(rest: Buffer): void {
    this.#ended = false;
    this.#paused = false;
    this.end(rest);
  }
}

function hexDigit(byte: number): number {
  if (byte >= 0x30 && byte <= 0x39) return byte - 0x30;
  const letter = byte | 0x20;
  return letter >= 0x61 && letter <= 0x66 ? letter - 0x57 : -1;
}

/** Whether a line ends without its CR. */
function hasBareLine(bytes: Buffer, at: number): boolean {
  for (let lf = bytes.indexOf(LF, at); lf >= 0; lf = bytes.indexOf(LF, lf + 1)) if (bytes[lf - 1] !== CR) return true;
  return false;
}
