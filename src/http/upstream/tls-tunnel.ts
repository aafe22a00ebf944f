import type { Duplex } from 'node:stream';
import { SocketError } from 'undici/lib/core/errors.js';
import type { CallHandler, Tunnel } from './worker-client.ts';

/** A tunnel to an `https://` worker, over the socket that undici hands on. */
export class TlsTunnel implements Tunnel {
  readonly #socket: Duplex;
  readonly #handler: CallHandler;
  readonly #closed: (tunnel: TlsTunnel) => void;
  #over = false;

  constructor(socket: Duplex, handler: CallHandler, closed: (tunnel: TlsTunnel) => void) {
    this.#socket = socket;
    this.#handler = handler;
    this.#closed = closed;
  }

  /** Begins to read from the worker. */
  open(): void {
    const socket = this.#socket;
    socket.on('data', (chunk: Buffer) => this.#handler.onResponseData(this, chunk));
    socket.once('end', () => this.#end(() => this.#handler.onResponseEnd()));
    socket.on('error', (error) => this.abort(error));
    socket.once('close', () => this.abort(new SocketError('other side closed')));
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

  pause(): void {
    this.#socket.pause();
  }

  resume(): void {
    this.#socket.resume();
  }

  abort(reason: Error): void {
    this.#end(() => this.#handler.onResponseError(this, reason));
  }

  #end(tell: () => void): void {
    if (this.#over) return;
    this.#over = true;
    this.#socket.destroy();
    this.#closed(this);
    tell();
  }
}
