import {
  type IncomingHttpHeaders,
  performServerHandshake,
  type ServerHttp2Session,
  type ServerHttp2Stream,
} from 'node:http2';
import type { Socket } from 'node:net';
import { RouterError } from '../../errors/errors.ts';
import { sendError } from '../respond.ts';
import type { ConnectionOptions } from './connection-options.ts';
import { KEEP_ALIVE_SECS } from './http1-reply.ts';
import { Http2RequestStream } from './http2-request-stream.ts';
import type { OpenConnection } from './open-connection.ts';
import { KNOWN_METHODS } from './request-head.ts';
import { refusalOf } from './request-refusal.ts';

/** Most concurrent requests on one connection: gateways send those of many clients over one. */
const MOST_STREAMS = 1_000;
/** Requests that a client may cancel at once, and then per second, before it is disconnected: each cost a call to a worker (CVE-2023-44487). */
const RESET_BURST = 1_000;
const RESETS_A_SECOND = 33;
const MOST_SESSION_MIB = 64;
const PATH = /^(?:\/[\x21-\x7e]*|\*)$/;

/** One connection of a client that speaks HTTP/2, by node:http2; each stream is a request as HTTP/1.1 has it. */
export class Http2Connection implements OpenConnection {
  readonly #session: ServerHttp2Session;
  readonly #options: ConnectionOptions;
  readonly #streams = new Set<Http2RequestStream>();
  /** When the last request ended. */
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
    // Node leaves the end of a socket that may be half open to whoever made it so; a client that was killed looks just so.
    socket.once('end', () => this.destroy());
  }

  /** Closes the connection now, whatever is under way. */
  destroy(): void {
    if (this.#closed) return;
    this.#closed = true;
    for (const stream of [...this.#streams]) stream.lose();
    this.#session.destroy();
    this.#options.closed(this);
  }

  /** Tells the client to send new requests elsewhere; those under way are answered. */
  leave(): void {
    this.#session.close();
  }

  /** How long the connection has had no request. */
  silentMs(nowMs: number): number {
    return this.#streams.size > 0 ? 0 : nowMs - this.#idleSinceMs;
  }

  /** Always false: a client knows which of its requests were not read, and sends them again. */
  awaitsLast(): boolean {
    return false;
  }

  closeWhenIdle(): void {
    this.#session.close();
  }

  /** Ends requests and connections that take too long. */
  check(nowMs: number): void {
    const { headersTimeoutMs, uploadTimeoutMs } = this.#options.limits;
    for (const stream of this.#streams) stream.check(nowMs, uploadTimeoutMs);
    if (this.#streams.size > 0) return;
    const idleMs = nowMs - this.#idleSinceMs;
    if (!this.#served && idleMs > headersTimeoutMs) this.destroy();
    else if (idleMs > KEEP_ALIVE_SECS * 1000) this.#session.close();
  }

  #begin(stream: ServerHttp2Stream, headers: IncomingHttpHeaders): void {
    this.#served = true;
    const requestStream = new Http2RequestStream(stream, headers, this.#options.bodyBudget);
    this.#streams.add(requestStream);
    // The `close` event follows every error.
    stream.on('error', () => {});
    stream.once('close', () => {
      this.#streams.delete(requestStream);
      this.#idleSinceMs = performance.now();
      requestStream.lose();
    });
    const refusal = this.#options.refusal() ?? http2RefusalOf(headers);
    if (refusal) sendError(requestStream.reply, refusal);
    else this.#options.serve(requestStream.request, requestStream.reply);
  }
}

/** The checks that HTTP/1.1's parser makes of a request line, then those that both share. */
function http2RefusalOf({
  ':method': method = '',
  ':path': path = '',
  expect,
}: IncomingHttpHeaders): RouterError | undefined {
  if (method !== 'CONNECT' && (!KNOWN_METHODS.has(String(method)) || !PATH.test(String(path)))) {
    return new RouterError('bad_request', 'not valid HTTP: expected a known method and a path');
  }
  return refusalOf(String(method), expect);
}
