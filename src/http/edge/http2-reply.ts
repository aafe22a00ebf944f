import { constants, type OutgoingHttpHeaders, type ServerHttp2Stream } from 'node:http2';
import { expectSendable, type Reply, type ReplyWatcher } from './reply.ts';

const NO_BYTES = Buffer.alloc(0);

/** The answer to a request over HTTP/2, on its stream. */
export class Http2Reply implements Reply {
  readonly #stream: ServerHttp2Stream;
  readonly #toHead: boolean;
  readonly #extra: string[] = [];
  #head: OutgoingHttpHeaders = {};
  #status = 0;
  #hasBody = true;
  #started = false;
  #ended = false;
  #gone = false;
  #flushed = false;
  #watcher: ReplyWatcher | undefined;
  readonly #whenFlushed = Promise.withResolvers<void>();

  constructor(stream: ServerHttp2Stream, method: string) {
    this.#stream = stream;
    this.#toHead = method === 'HEAD';
    // Comes too where the client took its request back, and nothing was sent.
    stream.once('finish', () => {
      if (!stream.aborted && stream.rstCode === constants.NGHTTP2_NO_ERROR) this.#flush();
    });
    stream.once('aborted', () => this.lose());
  }

  get status(): number {
    return this.#started ? this.#status : 0;
  }

  get started(): boolean {
    return this.#started;
  }

  get ended(): boolean {
    return this.#ended;
  }

  get gone(): boolean {
    return this.#gone;
  }

  /** Other requests come over streams of their own, perhaps from other people. */
  close(): void {}

  setHeader(name: string, value: string): void {
    expectSendable(name, value);
    this.#extra.push(name, value);
  }

  head(status: number, _: string | undefined, headers: readonly string[], length?: number): void {
    this.#status = status;
    this.#hasBody = !this.#toHead && status !== 204 && status !== 304;
    const head: OutgoingHttpHeaders = { ':status': status };
    if (length !== undefined && status !== 204) head['content-length'] = String(length);
    const all = [...headers, ...this.#extra];
    for (let at = 0; at < all.length; at += 2) add(head, all[at] as string, all[at + 1] as string);
    this.#head = head;
  }

  tunnel(): void {
    throw new TypeError('expected no switch of protocols over HTTP/2');
  }

  write(chunk: Buffer): boolean {
    if (chunk.length === 0 || !this.#hasBody || this.#ended) return true;
    this.#begin();
    return this.#stream.write(chunk);
  }

  end(chunk: Buffer = NO_BYTES): void {
    if (this.#ended) return;
    this.#ended = true;
    this.#begin();
    if (!this.#hasBody || this.#stream.destroyed) return;
    if (chunk.length > 0) this.#stream.end(chunk);
    else this.#stream.end();
  }

  send(status: number, contentType: string, body: Buffer): void {
    this.head(status, undefined, ['content-type', contentType], body.length);
    this.end(body);
  }

  cut(): void {
    this.#ended = true;
    // `close` would send the end of the answer first, and the client would take it for whole.
    this.#stream.destroy(new Error('the answer broke off'));
  }

  whenDrained(resume: () => void): void {
    this.#stream.once('drain', resume);
  }

  watch(watcher: ReplyWatcher): void {
    this.#watcher = watcher;
  }

  flushed(): Promise<void> | undefined {
    return this.#flushed ? undefined : this.#whenFlushed.promise;
  }

  /** For the connection: the stream has closed. */
  lose(): void {
    if (this.#flushed) return;
    this.#gone = true;
    this.#ended = true;
    this.#flush();
    this.#watcher?.clientLeft();
  }

  /** The head leaves with what follows, in one frame after the other. */
  #begin(): void {
    if (this.#started) return;
    this.#started = true;
    if (!this.#stream.destroyed) this.#stream.respond(this.#head, { endStream: !this.#hasBody });
  }

  #flush(): void {
    this.#flushed = true;
    this.#whenFlushed.resolve();
  }
}

function add(head: OutgoingHttpHeaders, name: string, value: string): void {
  const before = head[name];
  if (before === undefined) head[name] = value;
  else head[name] = [...(Array.isArray(before) ? before : [String(before)]), value];
}
