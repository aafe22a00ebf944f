import type { IncomingHttpHeaders } from 'node:http';
import type { RouterError } from '../errors/errors.ts';
import type { Upstream } from '../http/edge/reply.ts';
import type { Usage } from '../link/outcome.ts';

/** What is known of an answer with its head. */
export interface AnswerInfo {
  /** It is a stream of events. */
  readonly streams: boolean;
  /** Adds the headers that tell the client how its worker was chosen, as name, value, name, value … */
  describe(headers: string[]): void;
}

/** Where a worker's answer goes, piece by piece as it comes. */
export interface Sink {
  /** A byte of it may have reached the client. */
  readonly started: boolean;
  /** What the answer says of its tokens, where the sink has read all of it; else its last bytes tell. */
  readonly usage?: Usage | undefined;
  head(status: number, statusText: string | undefined, headers: IncomingHttpHeaders, info: AnswerInfo): void;
  /** In place of the head: the worker has switched to `protocol`, and what the client sends goes `upstream`. A sink without this asks for no switch. */
  tunnel?(protocol: string, headers: IncomingHttpHeaders, info: AnswerInfo, upstream: Upstream): void;
  /** False when no more should come until `whenDrained` calls. What it throws ends the call. */
  data(chunk: Buffer): boolean;
  /** What comes next may come as `chunks`. */
  readonly passesChunks?: boolean;
  /** As `data`, for whole chunks in the chunked coding. */
  chunks?(coded: Buffer): boolean;
  whenDrained(resume: () => void): void;
  end(): void;
  /** It broke off after it had started. */
  breakOff(error: RouterError): void;
}
