/** How one attempt ended. */
export type Outcome = Answered | ClientGone | Rejected | Failed;

export interface Answered {
  readonly kind: 'answered';
  readonly status: number;
}

interface ClientGone {
  readonly kind: 'client_gone';
}

/** The worker's status makes another attempt follow; the client has seen nothing of the answer. */
export interface Rejected {
  readonly kind: 'rejected';
  readonly status: number;
  /** The worker's Retry-After; undefined if it sent none. */
  readonly retryAfterMs: number | undefined;
}

export interface Failed {
  readonly kind: 'failed';
  readonly error: Error;
  /** The client has part of an answer, so no other worker may be asked. */
  readonly started: boolean;
  /** Part of the request may have reached the worker, in this transmission or an earlier one. */
  readonly sent: boolean;
  /** The worker is not to blame: the request is wrong, the router cut it off, or it took too long to finish. */
  readonly blameless: boolean;
}

/** The client left. */
export const GONE: ClientGone = { kind: 'client_gone' };

/** Token counts that an answer reports. */
export interface Usage {
  readonly promptTokens: number | undefined;
  readonly cachedTokens: number | undefined;
  readonly completionTokens: number | undefined;
}

/** The answer reports no token counts. */
export const UNKNOWN_USAGE: Usage = { promptTokens: undefined, cachedTokens: undefined, completionTokens: undefined };
