import type { IncomingHttpHeaders } from 'node:http';

/** A client's request as those see it that answer it. */
export interface IncomingRequest {
  readonly method: string;
  /** The request target as it was sent. */
  readonly url: string;
  readonly headers: IncomingHttpHeaders;
  /** Its connection was there before the router began to leave, and ends with its answer. */
  readonly last: boolean;
  /** The whole body in one Buffer of at most `maxBytes`; once. Rejects with RouterError `payload_too_large`, or ClientGoneError when the connection ends first. */
  body(maxBytes: number): Promise<Buffer>;
  /** Nobody needs the bytes of its body any more. */
  release(): void;
}
