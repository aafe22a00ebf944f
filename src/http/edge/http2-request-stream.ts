import { constants, type IncomingHttpHeaders, type ServerHttp2Stream } from 'node:http2';
import { RouterError } from '../../errors/errors.ts';
import { ClientGoneError } from '../client-gone.ts';
import type { BodyBudget } from './body-budget.ts';
import { type BodySource, ClientRequest } from './client-request.ts';
import { Http2Reply } from './http2-reply.ts';

const LENGTH = /^\d{1,15}$/;

/** One stream of an HTTP/2 connection: a request, its body, and its answer. */
export class Http2RequestStream implements BodySource {
  readonly bodyBudget: BodyBudget;
  readonly request: ClientRequest;
  readonly reply: Http2Reply;
  readonly #stream: ServerHttp2Stream;
  readonly #expectsContinue: boolean;
  readonly #startedMs = performance.now();
  #endedMs: number | undefined;

  constructor(stream: ServerHttp2Stream, headers: IncomingHttpHeaders, bodyBudget: BodyBudget) {
    this.bodyBudget = bodyBudget;
    this.#stream = stream;
    const { ':method': method = '', ':path': url = '', ':authority': authority, ':scheme': _, ...rest } = headers;
    if (authority !== undefined) rest.host = authority;
    const fields: IncomingHttpHeaders = rest;
    this.#expectsContinue = String(fields.expect).toLowerCase() === '100-continue';
    const head = { method: String(method), url: String(url), minor: 1, headers: fields } as const;
    const length = stream.endAfterHeaders ? 0 : lengthOf(fields);
    this.request = new ClientRequest({ ...head, length, keepsAlive: true, upgrade: undefined }, this);
    this.reply = new Http2Reply(stream, head.method);
    if (stream.endAfterHeaders) this.request.end();
    // An empty body ends before it is asked for.
    stream.once('end', () => {
      if (!stream.aborted) this.request.end();
    });
    // A request answered early is closed, as its rest is not wanted (RFC 9113 §8.1).
    stream.once('finish', () => {
      if (!this.request.complete) stream.close(constants.NGHTTP2_NO_ERROR);
    });
  }

  readBody(): void {
    const stream = this.#stream;
    if (this.#expectsContinue && !stream.destroyed) stream.additionalHeaders({ ':status': 100 });
    stream.on('data', (chunk: Buffer) => {
      if (!this.request.take(chunk)) stream.pause();
    });
  }

  resumeBody(): void {
    this.#stream.resume();
  }

  check(nowMs: number, mostMs: number): void {
    const { request, reply } = this;
    if (!request.complete && !reply.started && nowMs - this.#startedMs > mostMs) {
      request.fail(new RouterError('request_timeout', 'the request did not come in time'));
    }
    if (!reply.ended) return;
    this.#endedMs ??= nowMs;
    // Closes a stream whose client does not read the end of its answer.
    if (nowMs - this.#endedMs > mostMs) this.#stream.close(constants.NGHTTP2_CANCEL);
  }

  /** The stream is closed. */
  lose(): void {
    this.request.fail(new ClientGoneError('the client left before its request was complete'));
    this.reply.lose();
  }
}

/** node:http2 checks the framing: a body whose length is not the declared one ends with an error. */
function lengthOf({ 'content-length': length }: IncomingHttpHeaders): number | 'chunked' {
  return length !== undefined && LENGTH.test(length) ? Number(length) : 'chunked';
}
