import type { IncomingHttpHeaders } from 'node:http';

/** A request as it is sent to a worker. */
export interface WorkerRequest {
  /** Absolute path and query. */
  readonly path: string;
  readonly method: string;
  /** name, value, name, value …; the client adds host, connection and content-length. */
  readonly headers: readonly string[];
  readonly body: Buffer | null;
  /** Whether to use a new connection, as a kept one may just have been closed. */
  readonly fresh?: boolean;
  /** The protocols that the worker may switch to; none if undefined. */
  readonly upgrade?: string | undefined;
}

/** Controls a call under way; does nothing once the call is over. */
export interface Controller {
  /** Whether every byte of the request was sent; undefined if unknown. */
  readonly requestIsSent?: boolean;
  /** Closes the connection; the handler is told this error. */
  abort(reason: Error): void;
  /** Pauses until `resume`; data already read may still come. */
  pause(): void;
  resume(): void;
}

/** A call whose worker has switched protocols: bytes go both ways. It ends when the worker stops sending. */
export interface Tunnel extends Controller {
  /** False when no more should come until `whenSent` calls. */
  send(chunk: Buffer): boolean;
  whenSent(resume: () => void): void;
  /** Stops sending. */
  finish(): void;
}

/** Is told of a call: its start, the answer as it comes, and finally its end or an error. */
export interface CallHandler {
  /** There is a connection and the request is about to be written. */
  onRequestStart(controller: Controller): void;
  /** The first byte of an answer came. */
  onResponseStarted?(): void;
  onResponseStart(controller: Controller, status: number, headers: IncomingHttpHeaders, statusText?: string): void;
  /** Called in place of the head when the worker has switched to an offered protocol; its bytes come as data. */
  onSwitch?(tunnel: Tunnel, protocol: string, headers: IncomingHttpHeaders): void;
  onResponseData(controller: Controller, chunk: Buffer): void;
  /** Whether `onResponseChunks` may be called for chunks that came whole; may change at any time. */
  readonly passesChunks?: boolean;
  /** Takes `count` whole chunks, as they came in the chunked coding, with `bytes` of the body. */
  onResponseChunks?(controller: Controller, coded: Buffer, bytes: number, count: number): void;
  onResponseEnd(): void;
  onResponseError(controller: Controller, error: Error): void;
}

/** The connections to one worker. All clients use undici's errors. */
export interface WorkerClient {
  dispatch(request: WorkerRequest, handler: CallHandler): void;
  /** Number of open connections, in use or not. */
  readonly connections: number;
  /** Ends every call with the error, `ClientDestroyedError` by default, and closes every connection. */
  destroy(error?: Error): Promise<void>;
}
