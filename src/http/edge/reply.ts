/** Takes the bytes that a client sends through a tunnel. */
export interface TunnelWriter {
  /** False when no more should come until `whenSent` calls. */
  send(chunk: Buffer): boolean;
  whenSent(resume: () => void): void;
  /** The client stops sending; it may still be sent to. */
  finish(): void;
}

/** Is told what becomes of an answer. */
export interface ReplyWatcher {
  /** The client left before the answer was whole. */
  clientLeft(): void;
}

/** The answer to one request, whichever HTTP the client speaks. Its head leaves with the first bytes of its body. */
export interface Reply {
  /** Status of the head that was sent; 0 before. */
  readonly status: number;
  /** Whether a byte of it may have reached the client. */
  readonly started: boolean;
  /** Whether the answer is complete or cut. */
  readonly ended: boolean;
  /** Whether the client left before it had the whole answer. */
  readonly gone: boolean;
  /** Closes the connection after this answer, as its next bytes may belong to this request, or the router is shutting down. */
  close(): void;
  /** Adds a header, its name in lower case, to the answer that will be made. */
  setHeader(name: string, value: string): void;
  /**
   * The head, its headers as name, value, name, value … in lower case; it leaves with the first bytes of the body. `length` of the
   * body in bytes; undefined where only its end shows how long it is.
   */
  head(status: number, statusText: string | undefined, headers: readonly string[], length?: number): void;
  /** Switches to `protocol` at once: bytes are written as they are, and the client's go `upstream`. Only for a request with `upgrade`. */
  tunnel(protocol: string, headers: readonly string[], upstream: TunnelWriter): void;
  /** Writes some bytes of the body. False when the client reads too slowly: go on when `whenDrained` calls. */
  write(chunk: Buffer): boolean;
  /** Whether the answer has begun and is sent in the chunked coding. */
  readonly passesChunks?: boolean;
  /** Like `write`, for whole chunks in that coding; only if `passesChunks`. */
  writeChunks?(coded: Buffer): boolean;
  /** Ends the answer, with `chunk` as its last bytes. */
  end(chunk?: Buffer): void;
  /** Sends a whole answer. */
  send(status: number, contentType: string, body: Buffer): void;
  /** Cuts an incomplete answer, so that the client does not take it for whole. */
  cut(): void;
  whenDrained(resume: () => void): void;
  /** Sets who is told when the client leaves. */
  watch(watcher: ReplyWatcher): void;
  /** Resolves when the connection has taken every byte of the answer, or is closed. */
  flushed(): Promise<void> | undefined;
}

/** Characters that no header value can have: wider than a byte, or line ends. */
const UNSENDABLE = /[^\t\x20-\x7e\x80-\xff]/;

/** Throws for a value that no header of an answer can have. */
export function expectSendable(name: string, value: string): void {
  if (!UNSENDABLE.test(value)) return;
  throw new TypeError(`expected a value that a header can have, got ${JSON.stringify(value)} for ${name}`);
}
