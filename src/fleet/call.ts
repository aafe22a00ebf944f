import type { LinkedItem } from './linked-list.ts';

/** What a request's end tells its worker's circuit breaker. */
export type Verdict = 'success' | 'failure' | 'neutral';

/** What a request's end says of its worker: `refusal` of its key or path, `complaint` about the request, `busy` that the worker is full. */
export type Evidence = 'good' | 'failure' | 'refusal' | 'complaint' | 'busy' | 'none';

/** What other workers answered to a request to which one gave an error. */
export type Comparison = 'others_answer' | 'others_fail' | 'unknown';

/** Identifies a choice when its call has ended: a number of its server's circuit breaker, and of its rank's. */
export type Ticket = number | readonly [server: number, rank: number];

/** A request that a worker was chosen for, from the choice to the end of its call. */
export interface ChosenCall {
  /** On the clock of `performance.now()`. */
  readonly startedMs: number;
  /** The kind of request, for comparing workers; undefined where it cannot be compared. */
  readonly kind: string | undefined;
}

/** How a chosen request ended, as far as it concerns its worker. */
export interface WorkerCallEnd {
  readonly verdict: Verdict;
  readonly evidence: Evidence;
  /** What went wrong, in a few words; undefined if nothing did. */
  readonly cause: string | undefined;
  /** The answer's status; undefined without an answer. */
  readonly status: number | undefined;
  /** Whether the request is sent again. */
  readonly repeated: boolean;
  /** Whether it failed after the answer had begun. */
  readonly broke: boolean;
  /** The worker's Retry-After; undefined if it sent none. */
  readonly retryAfterMs: number | undefined;
}

/** A call that was sent and waits for the first byte of its answer. */
export interface WaitingCall extends LinkedItem<WaitingCall> {
  /** On the clock of `performance.now()`. */
  readonly startedMs: number;
  /** Whether the client asked for a stream. */
  readonly streams: boolean;
  readonly bodyBytes: number;
  /** Ends the call as failed before its first byte, so that another worker may be asked. */
  abandon(reason: string): void;
}
