import type { Socket } from 'node:net';
import { RouterError } from '../../errors/errors.ts';
import { ClientGoneError } from '../client-gone.ts';
import { sendError } from '../respond.ts';
import type { BodyBudget } from './body-budget.ts';
import { freeBytes } from './body-memory.ts';
import { type BodySource, ClientRequest } from './client-request.ts';
import type { ConnectionOptions } from './connection-options.ts';
import { Http1Reply, KEEP_ALIVE_SECS, type ReplyConnection } from './http1-reply.ts';
import { hasPreface, mayBePreface } from './http2-preface.ts';
import type { OpenConnection } from './open-connection.ts';
import type { TunnelWriter } from './reply.ts';
import type { RequestHead } from './request-head.ts';
import { type ParserListener, RequestParser } from './request-parser.ts';
import { refusalOf } from './request-refusal.ts';
import { writeTogether } from './write-together.ts';

/** Bytes that a client may send ahead while its request is answered. */
const MOST_AHEAD_BYTES = 64 * 1024;
/** Time for a client to go on sending an unread request; closed earlier, it would see a reset instead of its answer. */
const LINGER_MS = 10_000;
const NOTHING = Buffer.alloc(0);
const CONTINUE = 'HTTP/1.1 100 Continue\r\n\r\n';

/** Interval of TCP keep-alive on an idle tunnel: a client that lost its network closes nothing. */
const TUNNEL_KEEP_ALIVE_MS = 60_000;

/** What the client is expected to do next: send a request, wait for its answer, use the tunnel, read the end (`flush`), or close (`linger`). */
type Phase = 'begin' | 'head' | 'body' | 'wait' | 'tunnel' | 'flush' | 'linger';

/** One connection of a client; its requests are served one after another. */
export class ClientConnection implements OpenConnection, ParserListener, ReplyConnection, BodySource {
  readonly #options: ConnectionOptions;
  readonly #socket: Socket;
  readonly #parser: RequestParser;
  #phase: Phase = 'begin';
  #sinceMs = performance.now();
  #served = false;
  #request: ClientRequest | undefined;
  #reply: Http1Reply | undefined;
  /** Bytes sent ahead: the beginning of the next request. */
  #ahead: Buffer = NOTHING;
  /** The head of a request that was read but not served yet. */
  #unserved: RequestHead | undefined;
  /** Takes the client's bytes once the connection is a tunnel. */
  #upstream: TunnelWriter | undefined;
  /** The part of a body that was read last, if nobody needs it any more. */
  #spent: Buffer = NOTHING;
  #expectsContinue = false;
  #closed = false;
  #closing = false;
  #leaving = false;
  /** Nothing more is read: the client sent no valid request, or the last answer has left. */
  #broken = false;
  #onDrain: (() => void) | undefined;
  readonly #flushed = () => this.#wasFlushed();

  constructor(socket: Socket, options: ConnectionOptions) {
    this.#socket = socket;
    this.#options = options;
    this.#parser = new RequestParser(this, options.limits.maxHeaderBytes);
    this.#parser.expect();
    socket.on('data', (bytes: Buffer) => this.#read(bytes));
    socket.on('drain', () => this.#drained());
    socket.on('end', () => this.#sendsNoMore());
    socket.on('error', () => this.destroy());
    socket.on('close', () => this.destroy());
  }

  /** Closes the connection now, whatever is under way. */
  destroy(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#parser.stop();
    this.#socket.destroy();
    this.#request?.fail(new ClientGoneError('the client left before its request was complete'));
    this.#request?.release();
    this.#reply?.lose();
    this.#options.closed(this);
  }

  /** Makes the next answer the last on this connection, so that its client connects elsewhere. */
  leave(): void {
    this.#leaving = true;
    if (!this.#reply?.started) this.#reply?.close();
  }

  /** How long the connection has waited for the whole head of a request; 0 while it serves one. */
  silentMs(nowMs: number): number {
    return this.#phase === 'begin' || this.#phase === 'head' ? nowMs - this.#sinceMs : 0;
  }

  /** Whether its last request may be on its way: the client was answered less than `ms` ago. */
  awaitsLast(ms: number, nowMs: number): boolean {
    return this.#leaving && (this.#phase === 'begin' || this.#phase === 'head') && nowMs - this.#sinceMs < ms;
  }

  /** Closes the connection after the request under way, if any. */
  closeWhenIdle(): void {
    this.#closing = true;
    this.#reply?.close();
    if (!this.#reply && this.#phase !== 'linger') this.destroy();
  }

  /** Ends requests and connections that take too long. */
  check(nowMs: number): void {
    const { headersTimeoutMs, uploadTimeoutMs } = this.#options.limits;
    const waitedMs = nowMs - this.#sinceMs;
    switch (this.#phase) {
      case 'begin':
        if (!this.#served && waitedMs > headersTimeoutMs) this.#refuse(late());
        else if (this.#served && waitedMs > KEEP_ALIVE_SECS * 1000) this.destroy();
        break;
      case 'head':
        if (waitedMs > headersTimeoutMs) this.#refuse(late());
        break;
      case 'body':
        // This covers a request answered early whose client neither sends the rest nor reads.
        if (waitedMs > uploadTimeoutMs) this.#refuse(late());
        break;
      case 'flush':
        if (waitedMs > uploadTimeoutMs) this.destroy();
        break;
      case 'linger':
        if (waitedMs > LINGER_MS) this.destroy();
    }
  }

  head(head: RequestHead): void {
    this.#phase = 'body';
    this.#served = true;
    const request = new ClientRequest(head, this, this.#leaving);
    const reply = new Http1Reply(request, this);
    this.#request = request;
    this.#reply = reply;
    // A request without a body is whole when its head is.
    if (head.length === 0) request.end();
    // After asking for an upgrade a client sends no other request, whatever the answer is.
    if (this.#closing || this.#leaving || head.upgrade !== undefined) reply.close();
    this.#unserved = head;
  }

  data(chunk: Buffer): void {
    if (this.#phase !== 'linger' && !this.#request?.take(chunk)) this.#pause();
    if (this.#phase === 'linger' || this.#request?.spent) this.#spent = chunk;
  }

  end(rest: Buffer): void {
    if (this.#phase === 'linger') {
      this.#end();
      return;
    }
    this.#phase = 'wait';
    this.#ahead = rest;
    this.#request?.end();
  }

  get bodyBudget(): BodyBudget {
    return this.#options.bodyBudget;
  }

  readBody(): void {
    if (this.#closed) return;
    if (this.#expectsContinue) this.#socket.write(CONTINUE, 'latin1');
    this.#expectsContinue = false;
    this.resumeBody();
  }

  resumeBody(): void {
    if (!this.#closed && this.#parser.paused) this.#resume();
  }

  write(before: string, chunk: Buffer, after: string): boolean {
    if (this.#closed) return true;
    return writeTogether(this.#socket, before, chunk, after, undefined);
  }

  tunnel(head: string, upstream: TunnelWriter): void {
    if (this.#closed) return;
    const socket = this.#socket;
    this.#enter('tunnel');
    this.#upstream = upstream;
    socket.setKeepAlive(true, TUNNEL_KEEP_ALIVE_MS);
    socket.write(head, 'latin1');
    const ahead = this.#ahead;
    this.#ahead = NOTHING;
    if (socket.isPaused()) socket.resume();
    if (ahead.length > 0) this.#passUp(ahead, upstream);
  }

  finish(before: string, chunk: Buffer, after: string): void {
    if (this.#closed) return;
    // A tunnel ends when its worker ends it.
    if (this.#phase === 'tunnel') this.#broken = true;
    if (this.#phase === 'wait' || this.#phase === 'tunnel') this.#enter('flush');
    writeTogether(this.#socket, before, chunk, after, this.#flushed);
  }

  cut(reset: boolean): void {
    if (this.#closed) return;
    if (reset && !('encrypted' in this.#socket)) this.#socket.resetAndDestroy();
    this.destroy();
  }

  whenDrained(resume: () => void): void {
    this.#onDrain = resume;
  }

  #read(bytes: Buffer): void {
    if (this.#broken) return;
    if (this.#phase === 'tunnel' && this.#upstream) {
      this.#passUp(bytes, this.#upstream);
      return;
    }
    if (this.#phase === 'wait' || this.#phase === 'flush') {
      this.#keep(bytes);
      return;
    }
    if (!this.#served && this.#parser.beforeHead && this.#mayBeHttp2(bytes)) return;
    const all = this.#takeAhead(bytes);
    if (this.#phase === 'begin') this.#enter('head');
    try {
      this.#parser.feed(all);
    } catch (error) {
      this.#refuse(error as Error);
      return;
    }
    if (this.#spent === all) freeBytes(all);
    this.#spent = NOTHING;
    if (this.#unserved) this.#serve(this.#unserved);
  }

  /** Keeps what may be the beginning of HTTP/2, and hands the connection over once all of its preface has come. */
  #mayBeHttp2(bytes: Buffer): boolean {
    const all = this.#ahead.length === 0 ? bytes : Buffer.concat([this.#ahead, bytes]);
    if (!mayBePreface(all)) return false;
    this.#ahead = all;
    if (hasPreface(all)) this.#handOver(all);
    return true;
  }

  #handOver(bytes: Buffer): void {
    const socket = this.#socket;
    this.#closed = true;
    socket.removeAllListeners('data').pause();
    socket.unshift(bytes);
    this.#options.closed(this);
    this.#options.http2(socket, this.#options);
  }

  #takeAhead(bytes: Buffer): Buffer {
    if (this.#ahead.length === 0) return bytes;
    const all = Buffer.concat([this.#ahead, bytes]);
    this.#ahead = NOTHING;
    return all;
  }

  /** Serves a request only after the bytes that came with its head were read: the answer to a small one need not close the connection. */
  #serve(head: RequestHead): void {
    this.#unserved = undefined;
    const request = this.#request as ClientRequest;
    const reply = this.#reply as Http1Reply;
    const { method, minor, headers } = head;
    const refusal = this.#options.refusal() ?? refusalOf(method, minor === 0 ? undefined : headers.expect);
    if (refusal) {
      reply.close();
      sendError(reply, refusal);
      return;
    }
    this.#expectsContinue = headers.expect !== undefined && minor === 1;
    this.#options.serve(request, reply);
  }

  /** A client that closes its sending side counts as gone, as a killed one looks the same; only a tunnel goes on until its worker ends it. */
  #sendsNoMore(): void {
    if (this.#upstream) this.#upstream.finish();
    else this.destroy();
  }

  #passUp(bytes: Buffer, upstream: TunnelWriter): void {
    if (upstream.send(bytes)) return;
    this.#socket.pause();
    upstream.whenSent(() => this.#socket.resume());
  }

  /** Keeps bytes of the next request, or for the requested tunnel, while this request is answered. */
  #keep(bytes: Buffer): void {
    this.#ahead = this.#ahead.length === 0 ? bytes : Buffer.concat([this.#ahead, bytes]);
    if (this.#request?.upgrade === undefined && !RequestParser.canBegin(this.#ahead)) this.destroy();
    else if (this.#ahead.length > MOST_AHEAD_BYTES) this.#socket.pause();
  }

  /** Goes on after the last byte of an answer has left. */
  #wasFlushed(): void {
    const reply = this.#reply;
    if (this.#closed || !reply) return;
    const whole = this.#request?.complete ?? true;
    this.#request?.release();
    this.#request = undefined;
    this.#reply = undefined;
    reply.flush();
    if (!whole && !this.#broken) this.#linger();
    else if (reply.closes || this.#closing) this.#end();
    else this.#next();
  }

  #next(): void {
    this.#enter('begin');
    this.#parser.expect();
    const ahead = this.#ahead;
    this.#ahead = NOTHING;
    if (this.#socket.isPaused()) this.#socket.resume();
    if (ahead.length > 0) this.#read(ahead);
  }

  /** Drops the rest of a request answered early: many clients read only after sending all, and would see a reset. */
  #linger(): void {
    this.#enter('linger');
    this.#resume();
  }

  /** Sends the end; the connection closes when the client closes its side too. */
  #end(): void {
    this.#enter('linger');
    this.#parser.stop();
    this.#broken = true;
    this.#ahead = NOTHING;
    this.#socket.end();
    this.#socket.resume();
  }

  /** Answers an invalid or late request with an error. */
  #refuse(error: Error): void {
    this.#parser.stop();
    this.#broken = true;
    if (this.#phase === 'linger') {
      this.destroy();
      return;
    }
    const { isRead = false } = this.#request ?? {};
    if (this.#reply) {
      if (this.#unserved) sendError(this.#reply, error);
      // Whoever waits for the body sends the error; after an answer has begun, more bytes would be read as part of it.
      else if (isRead && !this.#reply.started) this.#request?.fail(error);
      else this.destroy();
      return;
    }
    this.#reply = new Http1Reply({ method: 'GET', minor: 1, keepsAlive: false, complete: false }, this);
    sendError(this.#reply, error);
  }

  #enter(phase: Phase): void {
    this.#phase = phase;
    this.#sinceMs = performance.now();
  }

  #drained(): void {
    const resume = this.#onDrain;
    this.#onDrain = undefined;
    resume?.();
  }

  #pause(): void {
    this.#parser.pause();
    this.#socket.pause();
  }

  #resume(): void {
    this.#socket.resume();
    if (this.#broken) return;
    try {
      this.#parser.resume();
    } catch (error) {
      this.#refuse(error as Error);
    }
  }
}

function late(): RouterError {
  return new RouterError(
    'request_timeout',
    'the request did not come in time; an upload may take --upload-timeout-secs',
  );
}
