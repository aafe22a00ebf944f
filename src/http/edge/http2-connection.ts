import {
  constants,
  type IncomingHttpHeaders,
  performServerHandshake,
  type ServerHttp2Session,
  type ServerHttp2Stream,
} from 'node:http2';
import type { Socket } from 'node:net';
import { RouterError } from '../../errors/errors.ts';
import { ClientGoneError } from '../client-gone.ts';
import { sendError } from '../respond.ts';
import type { BodyRoom } from './body-room.ts';
import type { ConnectionOptions } from './client-connection.ts';
import { type BodySource, ClientRequest } from './client-request.ts';
import { KEEP_ALIVE_SECS } from './http1-reply.ts';
import { Http2Reply } from './http2-reply.ts';
import type { OpenConnection } from './open-connection.ts';
import { KNOWN_METHODS } from './request-head.ts';

/** Requests at once over one connection: gateways send those of many clients over one. */
const MOST_STREAMS = 1_000;
/** Requests that a client may take back at once, and then a second, before it is sent away: each has cost a call to a worker (CVE-2023-44487). */
const RESET_BURST = 1_000;
const RESETS_A_SECOND = 33;
const MOST_SESSION_MIB = 64;
const PATH = /^(?:\/[\x21-\x7e]*|\*)$/;
const LENGTH = /^\d{1,15}$/;

/** One connection of a client that speaks HTTP/2, by node:http2; each stream is a request as HTTP/1.1 has it. */
export class Http2Connection implements OpenConnection {
  readonly #session: ServerHttp2Session;
  readonly #options: ConnectionOptions;
  readonly #streams = new Set<Http2Exchange>();
  /** Since when there is no request under way. */
  #idleSinceMs = performance.now();
  #served = false;
  #closed = false;

  constructor(socket: Socket, options: ConnectionOptions) {
    this.#options = options;
    const { maxHeaderBytes } = options.limits;
    const settings = { enablePush: false, maxConcurrentStreams: MOST_STREAMS, maxHeaderListSize: maxHeaderBytes };
    this.#session = performServerHandshake(socket, {
      settings,
      maxSessionMemory: MOST_SESSION_MIB,
      streamResetBurst: RESET_BURST,
      streamResetRate: RESETS_A_SECOND,
    });
    this.#session.on('stream', (stream, headers) => this.#begin(stream as ServerHttp2Stream, headers));
    this.#session.on('error', () => this.destroy());
    this.#session.on('close', () => this.destroy());
  }

  /** Closes it now, whatever is under way. */
  destroy(): void {
    if (this.#closed) return;
    this.#closed = true;
    for (const exchange of [...this.#streams]) exchange.lose();
    this.#session.destroy();
    this.#options.closed(this);
  }

  /** Its client is told to send what is to come elsewhere; what is under way is answered. */
  leave(): void {
    this.#session.close();
  }

  /** How long it has had no request. */
  silentMs(nowMs: number): number {
    return this.#streams.size > 0 ? 0 : nowMs - this.#idleSinceMs;
  }

  /** A request that meets the end of the connection was not read, and its client knows. */
  awaitsLast(): boolean {
    return false;
  }

  closeWhenIdle(): void {
    this.#session.close();
  }

  /** Ends what takes too long. */
  check(nowMs: number): void {
    const { headersTimeoutMs, uploadTimeoutMs } = this.#options.limits;
    for (const exchange of this.#streams) exchange.check(nowMs, uploadTimeoutMs);
    if (this.#streams.size > 0) return;
    const idleMs = nowMs - this.#idleSinceMs;
    if (!this.#served && idleMs > headersTimeoutMs) this.destroy();
    else if (idleMs > KEEP_ALIVE_SECS * 1000) this.#session.close();
  }

  #begin(stream: ServerHttp2Stream, headers: IncomingHttpHeaders): void {
    this.#served = true;
    const exchange = new Http2Exchange(stream, headers, this.#options.room);
    this.#streams.add(exchange);
    // Its reason is told by `close`.
    stream.on('error', () => {});
    stream.once('close', () => {
      this.#streams.delete(exchange);
      this.#idleSinceMs = performance.now();
      exchange.lose();
    });
    const refusal = this.#options.refusal() ?? refusalOf(headers);
    if (refusal) sendError(exchange.reply, refusal);
    else this.#options.serve(exchange.request, exchange.reply);
  }
}

/** One stream: a request, its body, and its answer. */
class Http2Exchange implements BodySource {
  readonly room: BodyRoom;
  readonly request: ClientRequest;
  readonly reply: Http2Reply;
  readonly #stream: ServerHttp2Stream;
  readonly #expectsContinue: boolean;
  readonly #startedMs = performance.now();
  #endedMs: number | undefined;

  constructor(stream: ServerHttp2Stream, headers: IncomingHttpHeaders, room: BodyRoom) {
    this.room = room;
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
    // An answer before all of the request was read: the rest is not wanted (RFC 9113 §8.1).
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
    stream.once('end', () => {
      if (!stream.aborted) this.request.end();
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
    // The client does not read the end of its answer.
    if (nowMs - this.#endedMs > mostMs) this.#stream.close(constants.NGHTTP2_CANCEL);
  }

  /** Nothing goes over the stream any more. */
  lose(): void {
    this.request.fail(new ClientGoneError('the client left before its request was complete'));
    this.reply.lose();
  }
}

/** Its framing is node's to check: a body of another length never ends well. */
function lengthOf({ 'content-length': length }: IncomingHttpHeaders): number | 'chunked' {
  return length !== undefined && LENGTH.test(length) ? Number(length) : 'chunked';
}

/** Why a request that is well-formed is not served. */
function refusalOf({
  ':method': method = '',
  ':path': path = '',
  expect,
}: IncomingHttpHeaders): RouterError | undefined {
  if (method === 'CONNECT') return new RouterError('method_not_allowed', 'the router opens no tunnels');
  if (!KNOWN_METHODS.has(String(method)) || !PATH.test(String(path))) {
    return new RouterError('bad_request', 'not valid HTTP: expected a known method and a path');
  }
  if (expect === undefined || expect.toLowerCase() === '100-continue') return undefined;
  return new RouterError('expectation_failed', `expected no Expect but "100-continue", got ${JSON.stringify(expect)}`);
}
