/** Where bytes go that a client sends through a tunnel. */
export interface Upstream {
  /** False when no more should come until `whenSent` calls. */
  send(chunk: Buffer): boolean;
  whenSent(resume: () => void): void;
  /** The client sends no more; it may still be sent to. */
  finish(): void;
}

/** Who is told what becomes of an answer. */
export interface ReplyWatcher {
  /** The client left before the answer was whole. */
  clientLeft(): void;
}

/** The answer to one request, whichever HTTP the client speaks. Its head leaves with the first bytes of its body. */
export interface Reply {
  /** Of the head that was sent; 0 before. */
  readonly status: number;
  /** Whether a byte of it may have reached the client. */
  readonly started: boolean;
  /** All of it was handed over, or nothing more can be. */
  readonly ended: boolean;
  /** The client left before it had the whole answer. */
  readonly gone: boolean;
  /** No other request is answered on this connection, where what follows on it may belong to this one or the router leaves. */
  close(): void;
  /** Adds a header to the answer that will be made; names in lower case. */
  setHeader(name: string, value: string): void;
  /**
   * The head, its headers as name, value, name, value … in lower case; it leaves with the first bytes of the body. `length` of the
   * body in bytes; undefined where only its end shows how long it is.
   */
  head(status: number, statusText: string | undefined, headers: readonly string[], length?: number): void;
  /** Leaves HTTP for `protocol`, at once: what is written is sent as it is, and what the client sends goes `upstream`. Only for a request with `upgrade`. */
  tunnel(protocol: string, headers: readonly string[], upstream: Upstream): void;
  /** Passes some bytes of the body on. False when the client reads more slowly than it is written to: go on when `whenDrained` calls. */
  write(chunk: Buffer): boolean;
  /** It has begun, and is sent in the chunked coding. */
  readonly passesChunks?: boolean;
  /** As `write`, for whole chunks in that coding; only where `passesChunks`. */
  writeChunks?(coded: Buffer): boolean;
  /** The answer is whole, with `chunk` as its last bytes. */
  end(chunk?: Buffer): void;
  /** A whole answer. */
  send(status: number, contentType: string, body: Buffer): void;
  /** The answer cannot be made whole, and the client must not take what it has for that. */
  cut(): void;
  whenDrained(resume: () => void): void;
  /** Who is told when the client leaves. */
  watch(watcher: ReplyWatcher): void;
  /** Resolves when the connection has taken every byte of it, or is gone. */
  flushed(): Promise<void> | undefined;
}

/** What no value of a header can have: more than a byte a character, a line end. */
const UNSENDABLE = /[^\t\x20-\x7e\x80-\xff]/;

/** Throws for a value that no header of an answer can have. */
export function expectSendable(name: string, value: string): void {
  if (!UNSENDABLE.test(value)) return;
  throw new TypeError(`expected a value that a header can have, got ${JSON.stringify(value)} for ${name}`);
}
