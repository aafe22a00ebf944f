import { constants, type OutgoingHttpHeaders, type ServerHttp2Stream } from 'node:http2';
import type { Reply } from './reply.ts';
import { ReplyProgress } from './reply-progress.ts';

const NO_BYTES = Buffer.alloc(0);

/** The answer to a request over HTTP/2, on its stream. */
export class Http2Reply extends ReplyProgress implements Reply {
  readonly #stream: ServerHttp2Stream;
  readonly #toHead: boolean;
  #head: OutgoingHttpHeaders = {};
  #hasBody = true;

  constructor(stream: ServerHttp2Stream, method: string) {
    super();
    this.#stream = stream;
    this.#toHead = method === 'HEAD';
    // This event also comes when the client cancelled and nothing was sent.
    stream.once('finish', () => {
      if (!stream.aborted && stream.rstCode === constants.NGHTTP2_NO_ERROR) this.flush();
    });
    stream.once('aborted', () => this.lose());
  }

  /** Does nothing: other requests on the connection have streams of their own. */
  close(): void {}

  override head(status: number, _: string | undefined, headers: readonly string[], length?: number): void {
    this.builtStatus = status;
    this.#hasBody = !this.#toHead && status !== 204 && status !== 304;
    const head: OutgoingHttpHeaders = { ':status': status };
    if (length !== undefined && status !== 204) head['content-length'] = String(length);
    const all = [...headers, ...this.extra];
    for (let at = 0; at < all.length; at += 2) add(head, all[at] as string, all[at + 1] as string);
    this.#head = head;
  }

  tunnel(): void {
    throw new TypeError('expected no switch of protocols over HTTP/2');
  }

  write(chunk: Buffer): boolean {
    if (chunk.length === 0 || !this.#hasBody || this.hasEnded) return true;
    this.#begin();
    return this.#stream.write(chunk);
  }

  override end(chunk: Buffer = NO_BYTES): void {
    if (this.hasEnded) return;
    this.hasEnded = true;
    this.#begin();
    if (!this.#hasBody || this.#stream.destroyed) return;
    if (chunk.length > 0) this.#stream.end(chunk);
    else this.#stream.end();
  }

  cut(): void {
    this.hasEnded = true;
    // `close` would send an orderly end first, and the client would take the answer for whole.
    this.#stream.destroy(new Error('the answer broke off'));
  }

  whenDrained(resume: () => void): void {
    this.#stream.once('drain', resume);
  }

  /** Sends the head just before the first bytes of the body. */
  #begin(): void {
    if (this.hasStarted) return;
    this.hasStarted = true;
    if (!this.#stream.destroyed) this.#stream.respond(this.#head, { endStream: !this.#hasBody });
  }
}

function add(head: OutgoingHttpHeaders, name: string, value: string): void {
  const before = head[name];
  if (before === undefined) head[name] = value;
  else head[name] = [...(Array.isArray(before) ? before : [String(before)]), value];
}
