import type { IncomingHttpHeaders, ServerResponse } from 'node:http';
import type { RouterError } from '../errors.ts';
import { endpointOf } from '../http/endpoints.ts';
import { responseHeaders } from '../http/headers.ts';
import { pathOf } from '../http/path.ts';
import { terminalEvent } from './broken-stream.ts';
import type { Exchange } from './exchange.ts';
import type { Described, Sink } from './sink.ts';

/** Up to this size a chunk is copied between its size line and line end, so that it leaves in one write: 10 % of a stream's cost. */
const ONE_WRITE_BYTES = 16 * 1024;
const FAREWELL_MS = 10_000;
const LAST_CHUNK = '0\r\n\r\n';
const CR = 0x0d;
const LF = 0x0a;

/** Passes one answer on to the client as it comes: no buffering, bytes in are bytes out. */
export class Relay implements Sink {
  readonly #response: ServerResponse;
  readonly #headers: readonly string[];
  readonly #describe: ((headers: string[]) => void) | undefined;
  #chunked = false;
  /** Bytes still to come where the worker declared a length. */
  #left = Number.NaN;
  /** Of a head that has not left yet. */
  #waiting: { readonly status: number; readonly text: string | undefined; readonly headers: string[] } | undefined;
  /** A stream of events, to which the router can add one. */
  #plain = false;
  #last: Buffer | undefined;

  /** `describe` adds headers of its own to the answer's, as name, value, name, value … */
  constructor({ response, headers }: Exchange, describe?: (headers: string[]) => void) {
    this.#response = response;
    this.#headers = headers;
    this.#describe = describe;
  }

  /** True once a byte of the answer may have reached the client. */
  get started(): boolean {
    return this.#response.headersSent;
  }

  /** The head waits for the first bytes of the body and leaves with them: until then another worker may be asked. */
  head(status: number, statusText: string | undefined, headers: IncomingHttpHeaders, described: Described): void {
    // A 204 has no body to be long (RFC 9110 §8.6).
    const out = responseHeaders(status === 204 ? { ...headers, 'content-length': undefined } : headers);
    out.push(...this.#headers);
    described.describe(out);
    this.#describe?.(out);
    this.#plain = described.streams && headers['content-encoding'] === undefined;
    this.#left = Number(headers['content-length'] ?? Number.NaN);
    this.#chunked = Number.isNaN(this.#left) && this.#bodyFollows(status) && this.#response.req.httpVersionMinor > 0;
    if (this.#chunked) out.push('transfer-encoding', 'chunked');
    this.#waiting = { status, text: statusText, headers: out };
  }

  /** False when the client reads more slowly than the worker writes: go on when `whenDrained` calls. */
  data(chunk: Buffer): boolean {
    // undici (TLS) hands over an empty chunk when it goes on after a pause; framed, it would end the stream.
    if (chunk.length === 0) return true;
    this.#last = chunk;
    const first = this.#waiting !== undefined;
    this.#writeHead();
    if (this.#chunked) return this.#writeChunk(chunk, first);
    this.#left -= chunk.length;
    if (this.#left !== 0) return this.#response.write(chunk);
    this.#response.end(chunk);
    return true;
  }

  whenDrained(resume: () => void): void {
    (this.#response.socket ?? this.#response).once('drain', resume);
  }

  end(): void {
    this.#writeHead();
    if (this.#chunked) {
      this.#response.chunkedEncoding = false;
      this.#response.end(LAST_CHUNK, 'latin1');
    } else if (!this.#response.writableEnded) this.#response.end();
  }

  /** The answer broke off: the client must not take what it has for the whole. A stream says so, anything else is cut. */
  breakOff(error: RouterError): void {
    const response = this.#response;
    if (!this.#plain || !Number.isNaN(this.#left)) {
      response.destroy();
      return;
    }
    const event = terminalEvent(endpointOf(pathOf(response.req.url ?? '')).errors, error, this.#last);
    response.chunkedEncoding = false;
    // A client that does not even read this must not keep its connection.
    const { socket } = response;
    const timer = setTimeout(() => socket?.destroy(), FAREWELL_MS);
    response.once('close', () => clearTimeout(timer));
    // Whole as far as HTTP goes, so a client may use the connection again.
    response.end(this.#chunked ? Buffer.concat([frame(event), Buffer.from(LAST_CHUNK)]) : event);
  }

  #writeHead(): void {
    if (!this.#waiting) return;
    const { status, text, headers } = this.#waiting;
    this.#waiting = undefined;
    if (text) this.#response.writeHead(status, text, headers);
    else this.#response.writeHead(status, headers);
  }

  #bodyFollows(status: number): boolean {
    return status !== 204 && status !== 304 && this.#response.req.method !== 'HEAD';
  }

  #writeChunk(chunk: Buffer, first: boolean): boolean {
    this.#response.chunkedEncoding = chunk.length > ONE_WRITE_BYTES;
    if (this.#response.chunkedEncoding) return this.#response.write(chunk);
    const framed = frame(chunk);
    // After the head the connection itself is written to: the response would hold each write back for a tick (5 % of a stream's cost).
    const { socket } = this.#response;
    return first || !socket ? this.#response.write(framed) : socket.write(framed);
  }
}

/** One chunk of the chunked transfer coding (RFC 9112 §7.1). */
function frame(chunk: Buffer): Buffer {
  const size = chunk.length.toString(16);
  const start = size.length + 2;
  const end = start + chunk.length;
  const framed = Buffer.allocUnsafe(end + 2);
  // A few bytes are set faster one by one than by a call into the runtime.
  for (let i = 0; i < size.length; i++) framed[i] = size.charCodeAt(i);
  framed[start - 2] = CR;
  framed[start - 1] = LF;
  framed.set(chunk, start);
  framed[end] = CR;
  framed[end + 1] = LF;
  return framed;
}
