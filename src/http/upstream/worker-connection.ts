import { connect, type Socket } from 'node:net';
import { ConnectTimeoutError, HTTPParserError, SocketError } from 'undici/lib/core/errors.js';
import { internalError } from '../../errors/errors.ts';
import { type AnswerHandler, AnswerParser } from './answer-parser.ts';
import { markReuse } from './reuse-mark.ts';
import type { CallHandler, Tunnel } from './worker-client.ts';

/** Up to this size a body is copied to its head, so that both leave in one write. */
const ONE_WRITE_BYTES = 64 * 1024;

/** Where a worker listens. */
export interface Address {
  /** A name, or an IP address without brackets. */
  readonly host: string;
  readonly port: number;
}

/** A request whose head is built. */
export interface Prepared {
  readonly head: string;
  readonly body: Buffer | null;
  readonly toHead: boolean;
  /** The protocols that the worker may switch to. */
  readonly upgrade: string | undefined;
}

export interface WorkerConnectionOptions {
  readonly address: Address;
  readonly connectTimeoutMs: number;
  /** All connections of a worker read into this buffer and keep pooled copies: Node's own 64 KiB per read cost 5 % of a stream. */
  readonly readBuffer: Buffer;
  /** Called when the connection may carry another call. */
  readonly idle: (connection: WorkerConnection) => void;
  readonly closed: (connection: WorkerConnection) => void;
}

/** One call on a connection, as its handler controls it. */
class ConnectionCall implements Tunnel {
  readonly handler: CallHandler;
  /** Undefined once the call is over. */
  connection: WorkerConnection | undefined;

  constructor(handler: CallHandler, connection: WorkerConnection) {
    this.handler = handler;
    this.connection = connection;
  }

  get requestIsSent(): boolean {
    return this.connection?.isFlushed ?? false;
  }

  abort(reason: Error): void {
    this.connection?.destroy(reason);
  }

  pause(): void {
    this.connection?.pause();
  }

  resume(): void {
    this.connection?.resume();
  }

  send(chunk: Buffer): boolean {
    return this.connection?.send(chunk) ?? true;
  }

  whenSent(resume: () => void): void {
    this.connection?.whenSent(resume);
  }

  finish(): void {
    this.connection?.finish();
  }
}

/** One TCP connection to a worker, with one call at a time. */
export class WorkerConnection implements AnswerHandler {
  /** When the last call ended, on the clock of `performance.now()`. */
  idleSinceMs = 0;
  /** How long the worker keeps it open while idle; undefined if it does not say. */
  keepAliveMs: number | undefined;
  readonly #options: WorkerConnectionOptions;
  readonly #socket: Socket;
  readonly #parser = new AnswerParser(this);
  #call: ConnectionCall | undefined;
  #request: Prepared | undefined;
  #answered = false;
  #closed = false;

  /** Connects for a call, which begins once connected. */
  constructor(options: WorkerConnectionOptions, request: Prepared, handler: CallHandler) {
    const { address, connectTimeoutMs, readBuffer } = options;
    this.#options = options;
    this.#accept(request, handler);
    const socket = connect({
      ...address,
      noDelay: true,
      keepAlive: true,
      onread: { buffer: readBuffer, callback: (length) => this.#read(readBuffer, length) },
    });
    this.#socket = socket;
    const { host, port } = address;
    const late = () =>
      this.destroy(new ConnectTimeoutError(`no connection to ${host}:${port} within ${connectTimeoutMs} ms`));
    const timer = setTimeout(late, connectTimeoutMs);
    socket.once('connect', () => {
      clearTimeout(timer);
      this.#begin();
    });
    socket.once('end', () => this.#ended());
    socket.on('error', (error) => this.#broken(error));
    socket.once('close', () => {
      clearTimeout(timer);
      this.#broken(new SocketError('other side closed'));
    });
  }

  /** Begins another call; the connection must be idle. */
  carry(request: Prepared, handler: CallHandler): void {
    this.#accept(request, handler);
    this.#begin();
  }

  /** Whether the system has taken every byte that was written. */
  get isFlushed(): boolean {
    return this.#socket.writableLength === 0;
  }

  /** Closes the connection now; a call under way gets the error. */
  destroy(error: Error): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#parser.stop();
    this.#socket.destroy();
    this.#options.closed(this);
    const call = this.#over();
    if (!call) return;
    call.handler.onResponseError(call, error);
  }

  pause(): void {
    this.#parser.pause();
    this.#socket.pause();
  }

  resume(): void {
    try {
      this.#parser.resume();
    } catch (error) {
      this.#unreadable(error as Error);
      return;
    }
    if (!this.#parser.paused) this.#socket.resume();
  }

  send(chunk: Buffer): boolean {
    return this.#socket.write(chunk);
  }

  whenSent(resume: () => void): void {
    this.#socket.once('drain', resume);
  }

  finish(): void {
    this.#socket.end();
  }

  switched(protocol: string, headers: Parameters<AnswerHandler['switched']>[1]): void {
    const call = this.#call as ConnectionCall;
    call.handler.onSwitch?.(call, protocol, headers);
  }

  head(status: number, headers: Parameters<AnswerHandler['head']>[1], statusText: string): void {
    const call = this.#call as ConnectionCall;
    this.keepAliveMs = hintOf(headers['keep-alive']);
    call.handler.onResponseStart(call, status, headers, statusText);
  }

  data(chunk: Buffer): void {
    const call = this.#call as ConnectionCall;
    call.handler.onResponseData(call, chunk);
  }

  get passesChunks(): boolean {
    return this.#call?.handler.passesChunks ?? false;
  }

  chunks(coded: Buffer, bytes: number, count: number): void {
    const call = this.#call as ConnectionCall;
    call.handler.onResponseChunks?.(call, coded, bytes, count);
  }

  end(reusable: boolean): void {
    const call = this.#over() as ConnectionCall;
    // A pause over the last bytes would never end.
    if (this.#socket.isPaused()) this.#socket.resume();
    // The rest of a request that was answered early would be in the way.
    if (!reusable || !this.isFlushed) this.#close();
    call.handler.onResponseEnd();
    if (this.#closed) return;
    this.idleSinceMs = performance.now();
    this.#options.idle(this);
  }

  #accept(request: Prepared, handler: CallHandler): void {
    this.#call = new ConnectionCall(handler, this);
    this.#request = request;
  }

  #begin(): void {
    const call = this.#call as ConnectionCall;
    const { head, body, toHead, upgrade } = this.#request as Prepared;
    this.#request = undefined;
    this.#answered = false;
    call.handler.onRequestStart(call);
    // The handler may have aborted it at once.
    if (this.#closed) return;
    this.#parser.expect(toHead, upgrade);
    write(this.#socket, head, body);
  }

  /** Reads what came; false holds further reads back. */
  #read(buffer: Buffer, length: number): boolean {
    if (this.#closed) return false;
    const bytes = Buffer.allocUnsafe(length);
    buffer.copy(bytes, 0, 0, length);
    if (this.#call && !this.#answered) {
      this.#answered = true;
      this.#call.handler.onResponseStarted?.();
    }
    try {
      this.#parser.feed(bytes);
    } catch (error) {
      this.#unreadable(error as Error);
    }
    return !this.#closed && !this.#parser.paused;
  }

  #ended(): void {
    if (!this.#closed && this.#parser.finish()) this.#close();
    else this.#broken(new SocketError('other side closed'));
  }

  /** Handles a close by the worker; the error tells whether the connection had served before. */
  #broken(error: Error): void {
    if (!this.#closed) markReuse(error, this.#socket);
    this.destroy(error);
  }

  /** Handles an answer that is not HTTP, or an error of its reader. */
  #unreadable(error: Error): void {
    if (error instanceof HTTPParserError) this.#broken(error);
    else this.destroy(internalError(error));
  }

  #over(): ConnectionCall | undefined {
    const call = this.#call;
    this.#call = undefined;
    if (call) call.connection = undefined;
    return call;
  }

  #close(): void {
    this.destroy(new SocketError('closed'));
  }
}

function write(socket: Socket, head: string, body: Buffer | null): void {
  if (!body) {
    socket.write(head, 'latin1');
    return;
  }
  if (body.length > ONE_WRITE_BYTES) {
    socket.cork();
    socket.write(head, 'latin1');
    socket.write(body);
    socket.uncork();
    return;
  }
  const bytes = Buffer.allocUnsafe(head.length + body.length);
  bytes.write(head, 'latin1');
  bytes.set(body, head.length);
  socket.write(bytes);
}

/** Reads `Keep-Alive: timeout=SECS` (RFC 2068 §19.7.1.1). */
function hintOf(keepAlive: string | string[] | undefined): number | undefined {
  const [, secs] = /timeout=(\d{1,6})/i.exec(String(keepAlive ?? '')) ?? [];
  return secs === undefined ? undefined : Number(secs) * 1_000;
}
