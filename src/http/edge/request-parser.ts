import { RouterError } from '../../errors/errors.ts';
import { type BodyLength, type Fault, MessageParser } from '../wire/message-parser.ts';
import { parseRequestHead, type RequestHead } from './request-head.ts';

/** Is told of the parts of a request. */
export interface ParserListener {
  head(head: RequestHead): void;
  data(chunk: Buffer): void;
  /** The request is whole; `rest` belongs to the next one. */
  end(rest: Buffer): void;
}

const BEGINNING = /^[A-Z-]{1,20}(?: |$)/;
const CR = 0x0d;
const LF = 0x0a;

/** Reads the requests of one connection from a client, each after `expect`. Throws RouterError for what is no request. */
export class RequestParser extends MessageParser {
  readonly #handler: ParserListener;

  constructor(handler: ParserListener, mostHeadBytes: number) {
    super(mostHeadBytes);
    this.#handler = handler;
  }

  /** Whether bytes may begin a request. */
  static canBegin(bytes: Buffer): boolean {
    const at = afterEmptyLines(bytes);
    return at === bytes.length || couldBegin(bytes.toString('latin1', at, at + 20));
  }

  /** Expects another request. */
  expect(): void {
    this.expectHead();
  }

  /** Reads what came; empty lines before a request are dropped (RFC 9112 §2.2). */
  override feed(bytes: Buffer): void {
    const at = this.beforeHead ? afterEmptyLines(bytes) : 0;
    super.feed(at === 0 ? bytes : bytes.subarray(at));
  }

  protected override head(text: string): BodyLength {
    const head = parseRequestHead(text);
    this.#handler.head(head);
    return head.length;
  }

  protected override data(chunk: Buffer): void {
    this.#handler.data(chunk);
  }

  protected override end(rest: Buffer): void {
    this.#handler.end(rest);
  }

  protected override canBegin(text: string): boolean {
    return couldBegin(text);
  }

  protected override refusal(fault: Fault, message: string): Error {
    switch (fault) {
      case 'form':
        return new RouterError('bad_request', `not valid HTTP: ${message}`);
      case 'head-size':
        return new RouterError('headers_too_large', 'request line and headers are larger than the router reads');
      default:
        return new RouterError('payload_too_large', 'chunk extensions or trailers are larger than the router reads');
    }
  }
}

function afterEmptyLines(bytes: Buffer): number {
  let at = 0;
  while (bytes[at] === CR || bytes[at] === LF) at++;
  return at;
}

/** Whether a request may begin with this text: a method, and what follows it. */
function couldBegin(text: string): boolean {
  return BEGINNING.test(text);
}
