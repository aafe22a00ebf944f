import type { IncomingHttpHeaders } from 'node:http';
import type { RouterError } from '../errors/errors.ts';
import type { TunnelWriter } from '../http/edge/reply.ts';
import type { Usage } from '../link/outcome.ts';

/** What is known of an answer once its head has come. */
export interface AnswerInfo {
  /** Whether the answer is a stream of events. */
  readonly streams: boolean;
  /** Adds the headers that tell the client how its worker was chosen, as name, value, name, value … */
  describe(headers: string[]): void;
}

/** Where a worker's answer goes, piece by piece as it comes. */
export interface Sink {
  /** Whether a byte of it may have reached the client. */
  readonly started: boolean;
  /** Token counts, if the sink has read the whole answer; otherwise its last bytes tell. */
  readonly usage?: Usage | undefined;
  head(status: number, statusText: string | undefined, headers: IncomingHttpHeaders, info: AnswerInfo): void;
  /** Called in place of `head` after a switch to `protocol`; the client's bytes go `upstream`. A sink without it never asks for a switch. */
  tunnel?(protocol: string, headers: IncomingHttpHeaders, info: AnswerInfo, upstream: TunnelWriter): void;
  /** False when no more should come until `whenDrained` calls. What it throws ends the call. */
  data(chunk: Buffer): boolean;
  /** Whether `chunks` may be called from now on. */
  readonly passesChunks?: boolean;
  /** Like `data`, for whole chunks in the chunked coding. */
  chunks?(coded: Buffer): boolean;
  whenDrained(resume: () => void): void;
  end(): void;
  /** The answer broke off after it had started. */
  breakOff(error: RouterError): void;
}
