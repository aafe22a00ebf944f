import type { IncomingHttpHeaders } from 'node:http';
import { HTTPParserError } from 'undici/lib/core/errors.js';
import { acceptedUpgrade } from '../upgrade.ts';
import { type BodyLength, type Fault, MessageParser } from '../wire/message-parser.ts';
import { parseHead } from './answer-head.ts';

/** Is told of the parts of an answer. */
export interface AnswerHandler {
  /** Interim answers (1xx) are left out. */
  head(status: number, headers: IncomingHttpHeaders, statusText: string): void;
  /** Called in place of `head`: what follows is data of that protocol. */
  switched(protocol: string, headers: IncomingHttpHeaders): void;
  data(chunk: Buffer): void;
  /** Whether `chunks` may be called for chunks that came whole. */
  readonly passesChunks: boolean;
  /** Takes `count` whole chunks, as they came in the coding, with `bytes` of the body. */
  chunks(coded: Buffer, bytes: number, count: number): void;
  /** The answer is whole; `reusable` if the connection may carry another. */
  end(reusable: boolean): void;
}

const MOST_HEAD_BYTES = 64 * 1024;
/** Most interim answers to one request. */
const MOST_INTERIM = 16;
const BEGINNING = 'HTTP/1.';

/** Reads the answers of one connection to a worker, each after `expect`. Throws HTTPParserError for what is no answer. */
export class AnswerParser extends MessageParser {
  readonly #handler: AnswerHandler;
  #toHead = false;
  #offered: string | undefined;
  #interim = 0;
  #reusable = false;

  constructor(handler: AnswerHandler) {
    super(MOST_HEAD_BYTES);
    this.#handler = handler;
  }

  /** Expects an answer; `toHead` after a HEAD request, `offered` are the protocols that may be switched to. */
  expect(toHead: boolean, offered?: string): void {
    this.#toHead = toHead;
    this.#offered = offered;
    this.#interim = 0;
    this.expectHead();
  }

  protected override head(text: string): BodyLength {
    const { status, statusText, headers, reusable, length } = parseHead(text);
    if (status < 200) {
      if (status === 101) return this.#switch(headers);
      if (++this.#interim > MOST_INTERIM) throw new HTTPParserError('expected an answer after so many interim ones');
      return 'no-message';
    }
    // An answer without a length ends with its connection.
    this.#reusable = reusable && (length !== undefined || this.#hasNoBody(status));
    this.#handler.head(status, headers, statusText);
    return this.#hasNoBody(status) ? 0 : (length ?? 'until-close');
  }

  protected override data(chunk: Buffer): void {
    this.#handler.data(chunk);
  }

  protected override get passesChunks(): boolean {
    return this.#handler.passesChunks;
  }

  protected override chunks(coded: Buffer, bytes: number, count: number): void {
    this.#handler.chunks(coded, bytes, count);
  }

  /** Bytes after an answer belong to no request, so the connection must not be reused. */
  protected override end(rest: Buffer): void {
    this.#handler.end(this.#reusable && rest.length === 0);
  }

  protected override canBegin(text: string): boolean {
    return text.startsWith(BEGINNING) || BEGINNING.startsWith(text);
  }

  protected override refusal(_: Fault, message: string): Error {
    return new HTTPParserError(message);
  }

  #switch(headers: IncomingHttpHeaders): BodyLength {
    const protocol = acceptedUpgrade(this.#offered, headers);
    this.#reusable = false;
    this.#handler.switched(protocol, headers);
    return 'until-close';
  }

  #hasNoBody(status: number): boolean {
    return this.#toHead || status === 204 || status === 304;
  }
}
