import type { IncomingHttpHeaders } from 'node:http';
import type { RouterError } from '../errors/errors.ts';
import type { Reply, TunnelWriter } from '../http/edge/reply.ts';
import { responseHeaders } from '../http/headers.ts';
import { unchunked } from '../http/unchunked.ts';
import { terminalEvent } from './broken-stream.ts';
import type { Exchange } from './exchange.ts';
import type { AnswerInfo, Sink } from './sink.ts';

/** Time for a client to read the last event before its connection is cut. */
const FAREWELL_MS = 10_000;

/** Passes one answer on to the client as it comes: no buffering, bytes in are bytes out. */
export class Relay implements Sink {
  readonly #exchange: Exchange;
  readonly #reply: Reply;
  readonly #headers: readonly string[];
  readonly #describe: ((headers: string[]) => void) | undefined;
  /** Bytes still to come, if the worker declared a length. */
  #left: number | undefined;
  /** Whether the answer is a stream of events to which the router can add one. */
  #isPlainStream = false;
  /** The last bytes that were sent, in the chunked coding if `#isLastCoded`. */
  #last: Buffer | undefined;
  #isLastCoded = false;

  /** `describe` adds headers of its own to the answer's, as name, value, name, value … */
  constructor(exchange: Exchange, describe?: (headers: string[]) => void) {
    const { reply, headers } = exchange;
    this.#exchange = exchange;
    this.#reply = reply;
    this.#headers = headers;
    this.#describe = describe;
  }

  /** True once a byte of the answer may have reached the client. */
  get started(): boolean {
    return this.#reply.started;
  }

  /** The head waits for the first bytes of the body and leaves with them: until then another worker may be asked. */
  head(status: number, statusText: string | undefined, headers: IncomingHttpHeaders, info: AnswerInfo): void {
    const { 'content-length': length, ...rest } = headers;
    const out = this.#headersFor(rest, info);
    if (info.streams) passAtOnce(headers, out);
    this.#isPlainStream = info.streams && headers['content-encoding'] === undefined;
    this.#left = length === undefined ? undefined : Number(length);
    this.#reply.head(status, statusText || undefined, out, this.#left);
  }

  tunnel(protocol: string, headers: IncomingHttpHeaders, info: AnswerInfo, upstream: TunnelWriter): void {
    const { 'content-length': _, ...rest } = headers;
    this.#reply.tunnel(protocol, this.#headersFor(rest, info), upstream);
  }

  #headersFor(headers: IncomingHttpHeaders, info: AnswerInfo): string[] {
    const out = responseHeaders(headers);
    out.push(...this.#headers);
    info.describe(out);
    this.#describe?.(out);
    return out;
  }

  /** False when the client reads more slowly than the worker writes: go on when `whenDrained` calls. */
  data(chunk: Buffer): boolean {
    // undici (TLS) hands over an empty chunk when it goes on after a pause.
    if (chunk.length === 0) return true;
    if (!this.#reply.started) this.#exchange.letBodyGo();
    this.#last = chunk;
    this.#isLastCoded = false;
    if (this.#left === undefined) return this.#reply.write(chunk);
    this.#left -= chunk.length;
    if (this.#left !== 0) return this.#reply.write(chunk);
    this.#reply.end(chunk);
    return true;
  }

  get passesChunks(): boolean {
    return this.#left === undefined && (this.#reply.passesChunks ?? false);
  }

  chunks(coded: Buffer): boolean {
    this.#last = coded;
    this.#isLastCoded = true;
    return this.#reply.writeChunks?.(coded) ?? true;
  }

  whenDrained(resume: () => void): void {
    this.#reply.whenDrained(resume);
  }

  end(): void {
    this.#reply.end();
  }

  /** Ends an answer that broke off: a stream gets an error event, anything else is cut, so that it is not taken for whole. */
  breakOff(error: RouterError): void {
    const reply = this.#reply;
    if (!this.#isPlainStream || this.#left !== undefined) {
      reply.cut();
      return;
    }
    // The answer is whole as HTTP, so the client may reuse the connection.
    const last = this.#last && this.#isLastCoded ? unchunked(this.#last) : this.#last;
    reply.end(terminalEvent(this.#exchange.endpoint.errors, error, last));
    const timer = setTimeout(() => reply.cut(), FAREWELL_MS);
    void reply.flushed()?.then(() => clearTimeout(timer));
  }
}

/** Tells proxies in front, such as nginx with its defaults, to pass events on as they come, unless the worker says otherwise. */
function passAtOnce(headers: IncomingHttpHeaders, out: string[]): void {
  if (headers['x-accel-buffering'] === undefined) out.push('x-accel-buffering', 'no');
  if (headers['cache-control'] === undefined) out.push('cache-control', 'no-cache');
}
