import type { WaitingCall } from '../fleet/call.ts';
import type { WorkerClient } from '../http/upstream/worker-client.ts';
import type { HistogramCounts } from '../observe/metrics/series.ts';
import { GONE, type Outcome, UNKNOWN_USAGE, type Usage } from './outcome.ts';

/** Where a call goes: a server, or one of its data-parallel ranks. */
export interface CallTarget {
  /** Names it in logs, metrics and headers; of a rank the server's URL and `@RANK`. */
  readonly url: string;
  /** The URL of its server: of all ranks of one the same. */
  readonly server: string;
  /** Put before every request path; '' as a rule. */
  readonly basePath: string;
  readonly client: WorkerClient;
  /** Sent in place of the client's own `authorization`; undefined where the worker has no key. */
  readonly authorization: string | undefined;
  /** This router has started the server: its certificate is for some other name. */
  readonly isLaunched: boolean;
  /** The data-parallel rank that is to answer; undefined where the server is one target. */
  readonly rank: number | undefined;
  /** Prefill: where decode servers reach it, a name or an address without brackets. */
  readonly bootstrapHost: string;
  /** Prefill: the port there; null where it has none, which some transfers do not need. */
  readonly bootstrapPort: number | null;
}

/** What the client is told of how its worker was chosen. */
export interface ChoiceDescription {
  readonly policy: string;
  readonly matchedBytes: number;
  /** The scores as JSON text, where the client asked for them. */
  readonly scores: string | undefined;
}

/** What the data path tells the scheduler of one call to a worker, as it happens; `ended` comes last, once. */
export interface CallReport {
  /** The request was sent and waits for the first byte of its answer. Again where it is sent a second time over another connection. */
  waits(call: WaitingCall): void;
  /** The first byte came (`answered`: of a good answer), or there is none to come. */
  waitsNoMore(call: WaitingCall, answered: boolean): void;
  /** Whether another attempt is to follow an answer with that status, of which the client has seen nothing. */
  goesElsewhere(status: number): boolean | Promise<boolean>;
  /** The head of an answer that is passed on. */
  head(status: number, streams: boolean, retryAfter: string | undefined): void;
  /** The first event of a stream is an error that stands for this status. */
  errorEvent(status: number): void;
  /** The worker has switched protocols: what follows is a tunnel. */
  tunnel(): void;
  /** So many pieces came from the worker, whether they are passed on or not. */
  moved(pieces?: number): void;
  /** Some bytes of the answer's body are passed on, in so many chunks. */
  data(bytes: number, chunks?: number): void;
  /** In place of `data`: so many bytes after the first, with those times between their chunks in seconds. From another thread, at the end of the call. */
  streamed?(bytes: number, gaps: HistogramCounts | undefined): void;
  /** The worker stores something from now on under this id. */
  stores(id: string): void;
  ended(end: CallEnd): void;
}

/** How a call ended. */
export interface CallEnd {
  readonly outcome: Outcome;
  readonly usage: Usage;
  /** Prompt tokens that another server had cached, where that one computed the prompt: the client's number, and no news of this worker's cache. */
  readonly cachedAtPrefill: number | undefined;
}

/** The end of a call that nobody waits for. */
export const NOT_SENT: CallEnd = { outcome: GONE, usage: UNKNOWN_USAGE, cachedAtPrefill: undefined };

/** One call to a worker that the scheduler has decided on; its load is counted until `report.ended`. */
export interface AssignedCall {
  readonly target: CallTarget;
  readonly choice: ChoiceDescription;
  /** In place of the client's header of that name; undefined where the client's is passed on. */
  readonly traceparent: string | undefined;
  readonly report: CallReport;
}

/** One attempt at a request. */
export interface Assignment {
  /** Attempts before this one. */
  readonly retries: number;
  /** When the request's time is over, on the clock of `performance.now()`. */
  readonly deadlineMs: number;
  /** One worker, or the prefill server and the decode server. */
  readonly calls: readonly AssignedCall[];
  /** Chooses the decode server of a request whose prefill server has answered. Rejects with RouterError where there is none. */
  next(): AssignedCall | Promise<AssignedCall>;
}

/** How an attempt ended. */
export interface AttemptEnd {
  readonly outcome: Outcome;
  /** The target whose call decided that. */
  readonly target: CallTarget;
}
