import type { WaitingCall } from '../fleet/call.ts';
import type { WorkerClient } from '../http/upstream/worker-client.ts';
import type { HistogramCounts } from '../observe/metrics/series.ts';
import { GONE, type Outcome, UNKNOWN_USAGE, type Usage } from './outcome.ts';

/** Where a call goes: a server, or one of its data-parallel ranks. */
export interface CallTarget {
  /** The target's name in logs, metrics and headers: the server's URL, with `@RANK` for a rank. */
  readonly url: string;
  /** The URL of its server, which all its ranks share. */
  readonly server: string;
  /** Tells a server from one that was removed before at the same URL, whose calls may still run. */
  readonly serverId: number;
  /** Prefix of every request path; usually ''. */
  readonly basePath: string;
  readonly client: WorkerClient;
  /** Replaces the client's `authorization`; undefined where the worker has no key. */
  readonly authorization: string | undefined;
  /** Whether this router started the server, whose certificate is then for another name. */
  readonly isLaunched: boolean;
  /** The data-parallel rank that is to answer; undefined where the server is one target. */
  readonly rank: number | undefined;
  /** The host at which decode servers reach this prefill server, without brackets. */
  readonly bootstrapHost: string;
  /** The port that goes with it; null for transfers that need none. */
  readonly bootstrapPort: number | null;
}

/** What the client is told of how its worker was chosen. */
export interface ChoiceDescription {
  readonly policy: string;
  readonly matchedBytes: number;
  /** The candidates' scores as JSON text, if the client asked for them. */
  readonly scores: string | undefined;
}

/** What the data path tells the scheduler of one call to a worker, as it happens; `ended` comes last, once. */
export interface CallReport {
  /** The request was sent and waits for its first byte; called again when it is sent over a second connection. */
  waits(call: WaitingCall): void;
  /** The wait is over: a first byte came (`answered` if of a good answer), or none will come. */
  waitsNoMore(call: WaitingCall, answered: boolean): void;
  /** Whether another attempt follows an answer with this status, which the client has not seen. */
  goesElsewhere(status: number): boolean | Promise<boolean>;
  /** Reports the head of an answer that is passed on. */
  head(status: number, streams: boolean, retryAfter: string | undefined): void;
  /** The first event of a stream is an error that stands for this status. */
  errorEvent(status: number): void;
  /** The worker has switched protocols: what follows is a tunnel. */
  tunnel(): void;
  /** Counts pieces that came from the worker, passed on or not. */
  moved(pieces?: number): void;
  /** Counts bytes and chunks of the body that are passed on. */
  data(bytes: number, chunks?: number): void;
  /** Replaces `data` for calls of another thread: reports all bytes after the first, and the seconds between chunks, at the end. */
  streamed?(bytes: number, gaps: HistogramCounts | undefined): void;
  /** The worker now stores something under this id. */
  stores(id: string): void;
  ended(end: CallEnd): void;
}

/** How a call ended. */
export interface CallEnd {
  readonly outcome: Outcome;
  readonly usage: Usage;
  /** Prompt tokens cached at the prefill server, for the client; they say nothing of this worker's cache. */
  readonly cachedAtPrefill: number | undefined;
}

/** The end of a call that was never sent. */
export const NOT_SENT: CallEnd = { outcome: GONE, usage: UNKNOWN_USAGE, cachedAtPrefill: undefined };

/** One call to a worker that the scheduler has decided on; its load is counted until `report.ended`. */
export interface AssignedCall {
  readonly target: CallTarget;
  readonly choice: ChoiceDescription;
  /** Replaces the client's header of that name; undefined where the client's is passed on. */
  readonly traceparent: string | undefined;
  readonly report: CallReport;
}

/** One attempt at a request. */
export interface Assignment {
  /** Attempts before this one. */
  readonly retries: number;
  /** When the request times out, by `performance.now()`. */
  readonly deadlineMs: number;
  /** One worker, or the prefill server and the decode server. */
  readonly calls: readonly AssignedCall[];
  /** Chooses the decode server of a request whose prefill server has answered. Rejects with RouterError where there is none. */
  next(): AssignedCall | Promise<AssignedCall>;
}

/** How an attempt ended. */
export interface AttemptEnd {
  readonly outcome: Outcome;
  /** The target whose call decided the outcome. */
  readonly target: CallTarget;
}
