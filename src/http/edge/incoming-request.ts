import type { IncomingHttpHeaders } from 'node:http';

/** A client's request, as handlers see it. */
export interface IncomingRequest {
  readonly method: string;
  /** The request target as it was sent. */
  readonly url: string;
  readonly headers: IncomingHttpHeaders;
  /** The client connected before the router began to shut down; its connection ends with this answer. */
  readonly last: boolean;
  /** Resolves once with the whole body, at most `maxBytes`. Rejects with RouterError `payload_too_large`, or ClientGoneError when the connection ends first. */
  body(maxBytes: number): Promise<Buffer>;
  /** Counts bytes that the body was decoded to; a promise where they must wait for room. Rejects with ClientGoneError once the client has left. */
  hold(bytes: number): Promise<void> | undefined;
  /** Notes that all of it was decoded. */
  holdsAll(): void;
  /** Releases the bytes of the body. */
  release(): void;
}
