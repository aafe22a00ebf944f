import type { LinkedItem } from './linked-list.ts';

/** What a request tells its worker's circuit breaker. */
export type Verdict = 'success' | 'failure' | 'neutral';

/**
 * What the end of a request may say of its worker: `refusal` that its key or its path is not known there, `complaint` that the request
 * is wrong, `busy` that the worker is full, `none` nothing.
 */
export type Evidence = 'good' | 'failure' | 'refusal' | 'complaint' | 'busy' | 'none';

/** What other workers say to a request that one gave an error to. */
export type Comparison = 'others_answer' | 'others_fail' | 'unknown';

/** What a choice is told apart by when its call has ended: of its server's circuit breaker, and of its rank's. */
export type Ticket = number | readonly [server: number, rank: number];

/** A request that a worker was chosen for, from the choice to the end of its call. */
export interface ChosenCall {
  /** On the clock of `performance.now()`. */
  readonly startedMs: number;
  /** The kind of request, for comparing workers; undefined where it cannot be compared. */
  readonly kind: string | undefined;
}

/** How such a request ended. */
export interface WorkerCallEnd {
  readonly verdict: Verdict;
  readonly evidence: Evidence;
  /** What went wrong, in a few words; undefined where nothing did. */
  readonly cause: string | undefined;
  /** Of the answer; undefined where there was none. */
  readonly status: number | undefined;
  /** The request is sent again. */
  readonly repeated: boolean;
  /** It failed after the answer had begun. */
  readonly broke: boolean;
  /** The worker's Retry-After; undefined if it sent none. */
  readonly retryAfterMs: number | undefined;
}

/** A call that was sent and has had no byte of an answer yet. */
export interface WaitingCall extends LinkedItem<WaitingCall> {
  /** On the clock of `performance.now()`. */
  readonly startedMs: number;
  /** The client asked for a stream. */
  readonly streams: boolean;
  readonly bodyBytes: number;
  /** Ends it as failed before its first byte: another worker may be asked. */
  abandon(reason: string): void;
}
