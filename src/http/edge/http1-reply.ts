import { STATUS_CODES } from 'node:http';
import { httpDate } from './http-date.ts';
import type { Reply, TunnelWriter } from './reply.ts';
import { ReplyProgress } from './reply-progress.ts';

/** The connection that an answer is written to. */
export interface ReplyConnection {
  /** Writes `head`; from then on the connection is a tunnel, and what the client has sent or sends goes `upstream`. */
  tunnel(head: string, upstream: TunnelWriter): void;
  /** Writes `before`, `chunk` and `after` at once. False when the client reads more slowly than it is written to. */
  write(before: string, chunk: Buffer, after: string): boolean;
  /** Writes the last bytes of an answer. */
  finish(before: string, chunk: Buffer, after: string): void;
  /** Ends the connection now; with a `reset` where an orderly end would look like the end of the answer. */
  cut(reset: boolean): void;
  /** Calls `resume` once the client has read what was written. */
  whenDrained(resume: () => void): void;
}

/** What an answer needs to know of its request. */
interface AnsweredRequest {
  readonly method: string;
  readonly minor: 0 | 1;
  readonly keepsAlive: boolean;
  readonly complete: boolean;
}

/** Told to clients, so that they close an idle connection before the router does. */
export const KEEP_ALIVE_SECS = 75;
const STAYS = `connection: keep-alive\r\nkeep-alive: timeout=${KEEP_ALIVE_SECS}\r\n`;
const BEYOND_LATIN1 = /[^\0-\xff]/;
const LAST_CHUNK = '0\r\n\r\n';
const NO_BYTES = Buffer.alloc(0);

/** The answer to a request over HTTP/1.1. */
export class Http1Reply extends ReplyProgress implements Reply {
  readonly #request: AnsweredRequest;
  readonly #connection: ReplyConnection;
  /** The head that is built but not written yet. */
  #head = '';
  #framing: 'none' | 'length' | 'chunked' | 'close' | 'tunnel' = 'none';
  #closes: boolean;

  constructor(request: AnsweredRequest, connection: ReplyConnection) {
    super();
    this.#request = request;
    this.#connection = connection;
    this.#closes = !request.keepsAlive;
  }

  /** Whether the connection ends with this answer. */
  get closes(): boolean {
    return this.#closes;
  }

  /** Closes the connection after this answer. */
  close(): void {
    this.#closes = true;
  }

  /**
   * The head, its headers as name, value, name, value … in lower case; it leaves with the first bytes of the body. `length` of the
   * body in bytes; undefined where only its end shows how long it is.
   */
  override head(status: number, statusText: string | undefined, headers: readonly string[], length?: number): void {
    const { method, minor, complete } = this.#request;
    // The rest of an unread request could not be told from the next one.
    if (!complete) this.#closes = true;
    if (method === 'HEAD' || status === 204 || status === 304) this.#framing = 'none';
    else if (length !== undefined) this.#framing = 'length';
    else if (minor === 1) this.#framing = 'chunked';
    else {
      this.#framing = 'close';
      this.#closes = true;
    }
    this.builtStatus = status;
    let head = `HTTP/1.1 ${status} ${statusText ?? STATUS_CODES[status] ?? ''}\r\n`;
    // A 204 has no body to be long (RFC 9110 §8.6).
    if (length !== undefined && status !== 204) head += `content-length: ${length}\r\n`;
    head += lines(headers) + lines(this.extra);
    if (!head.includes('\r\ndate: ')) head += `date: ${httpDate()}\r\n`;
    if (this.#framing === 'chunked') head += 'transfer-encoding: chunked\r\n';
    head += this.#closes ? 'connection: close\r\n\r\n' : `${STAYS}\r\n`;
    // Truncated to a byte, a wider character could become a line end.
    if (BEYOND_LATIN1.test(head)) throw new TypeError('expected headers of one byte a character');
    this.#head = head;
  }

  /** Switches to `protocol` at once: bytes are written as they are, and the client's go `upstream`. */
  tunnel(protocol: string, headers: readonly string[], upstream: TunnelWriter): void {
    const head = `HTTP/1.1 101 ${STATUS_CODES[101]}\r\n${lines(headers)}${lines(this.extra)}`;
    if (BEYOND_LATIN1.test(head)) throw new TypeError('expected headers of one byte a character');
    this.builtStatus = 101;
    this.#framing = 'tunnel';
    this.#closes = true;
    this.hasStarted = true;
    this.#connection.tunnel(`${head}connection: upgrade\r\nupgrade: ${protocol}\r\n\r\n`, upstream);
  }

  /** Writes some bytes of the body. False when the client reads too slowly: go on when `whenDrained` calls. */
  write(chunk: Buffer): boolean {
    // An empty chunk would end the body.
    if (chunk.length === 0 || this.#framing === 'none' || this.hasEnded) return true;
    const head = this.#takeHead();
    if (this.#framing !== 'chunked') return this.#connection.write(head, chunk, '');
    return this.#connection.write(`${head}${chunk.length.toString(16)}\r\n`, chunk, '\r\n');
  }

  get passesChunks(): boolean {
    return this.#framing === 'chunked' && this.hasStarted && !this.hasEnded;
  }

  /** Passes on whole chunks as they came: taken apart and put together again they cost a stream 8 % more. */
  writeChunks(coded: Buffer): boolean {
    return this.hasEnded || this.#connection.write('', coded, '');
  }

  /** Ends the answer, with `chunk` as its last bytes. */
  override end(chunk: Buffer = NO_BYTES): void {
    if (this.hasEnded) return;
    this.hasEnded = true;
    const head = this.#takeHead();
    if (this.#framing === 'none') this.#connection.finish(head, NO_BYTES, '');
    else if (this.#framing !== 'chunked') this.#connection.finish(head, chunk, '');
    else if (chunk.length === 0) this.#connection.finish(head, chunk, LAST_CHUNK);
    else this.#connection.finish(`${head}${chunk.length.toString(16)}\r\n`, chunk, `\r\n${LAST_CHUNK}`);
  }

  /** Cuts an incomplete answer, so that the client does not take it for whole. */
  cut(): void {
    this.hasEnded = true;
    this.#connection.cut(this.#framing === 'close' || this.#framing === 'tunnel');
  }

  whenDrained(resume: () => void): void {
    this.#connection.whenDrained(resume);
  }

  #takeHead(): string {
    this.hasStarted = true;
    const head = this.#head;
    this.#head = '';
    return head;
  }
}

function lines(headers: readonly string[]): string {
  let text = '';
  for (let at = 0; at < headers.length; at += 2) text += `${headers[at]}: ${headers[at + 1]}\r\n`;
  return text;
}
