import type { IncomingHttpHeaders } from 'node:http';

/** A request as it goes to a worker. */
export interface WorkerRequest {
  /** Absolute path and query. */
  readonly path: string;
  readonly method: string;
  /** name, value, name, value …; the client adds host, connection and content-length. */
  readonly headers: readonly string[];
  readonly body: Buffer | null;
  /** Over a connection of its own: one that has served before may have been closed just now. */
  readonly fresh?: boolean;
  /** The protocols that the worker may switch to; none where undefined. */
  readonly upgrade?: string | undefined;
}

/** What may be done with an exchange under way. Does nothing once that is over. */
export interface Controller {
  /** Every byte of the request has left; undefined where the client does not know. */
  readonly requestIsSent?: boolean;
  /** Closes the connection; the handler is told this error. */
  abort(reason: Error): void;
  /** No more data until `resume`, but for what was read already. */
  pause(): void;
  resume(): void;
}

/** An exchange whose worker has switched protocols: bytes go both ways from now on. Its end is the end of what the worker sends. */
export interface Tunnel extends Controller {
  /** False when no more should come until `whenSent` calls. */
  send(chunk: Buffer): boolean;
  whenSent(resume: () => void): void;
  /** Nothing more will be sent. */
  finish(): void;
}

/** Who is told of an exchange: of its start, then of the answer as it comes; at the end either of its end or of an error. */
export interface CallHandler {
  /** There is a connection and the request is about to be written. */
  onRequestStart(controller: Controller): void;
  /** The first byte of an answer came. */
  onResponseStarted?(): void;
  onResponseStart(controller: Controller, status: number, headers: IncomingHttpHeaders, statusText?: string): void;
  /** In place of the head: the worker has switched to a protocol that it was offered, and what it sends comes as data. */
  onSwitch?(tunnel: Tunnel, protocol: string, headers: IncomingHttpHeaders): void;
  onResponseData(controller: Controller, chunk: Buffer): void;
  /** Chunks that came whole are told by `onResponseChunks`, by clients that know how they came; may change with every call. */
  readonly passesChunks?: boolean;
  /** So many whole chunks, in the chunked coding as it came, with so many `bytes` of the body. */
  onResponseChunks?(controller: Controller, coded: Buffer, bytes: number, count: number): void;
  onResponseEnd(): void;
  onResponseError(controller: Controller, error: Error): void;
}

/** The connections to one worker. Errors are undici's, whichever client it is: name and code tell what it was. */
export interface WorkerClient {
  dispatch(request: WorkerRequest, handler: CallHandler): void;
  /** That are open, in use or not. */
  readonly connections: number;
  /** Ends every exchange with the error, `ClientDestroyedError` unless given, and closes every connection. */
  destroy(error?: Error): Promise<void>;
}
