/** How one attempt ended. */
export type Outcome = Answered | ClientGone | Rejected | Failed;

export interface Answered {
  readonly kind: 'answered';
  readonly status: number;
}

interface ClientGone {
  readonly kind: 'client_gone';
}

/** The worker answered with a status after which another attempt follows: the client has seen nothing of it. */
export interface Rejected {
  readonly kind: 'rejected';
  readonly status: number;
  /** How long the worker wants to be left alone; undefined where it does not say. */
  readonly retryAfterMs: number | undefined;
}

export interface Failed {
  readonly kind: 'failed';
  readonly error: Error;
  /** The client has part of an answer, so nobody else may be asked. */
  readonly started: boolean;
  /** Something of the request may have reached the worker, with this call or one before it to the same worker. */
  readonly sent: boolean;
  /** It says nothing of the worker: a request that is wrong in itself, one cut off by the router, one that took too long to finish. */
  readonly blameless: boolean;
}

/** The client left. */
export const GONE: ClientGone = { kind: 'client_gone' };

/** What an answer says of its tokens, where it does. */
export interface Usage {
  readonly promptTokens: number | undefined;
  readonly cachedTokens: number | undefined;
  readonly completionTokens: number | undefined;
}

/** It says nothing. */
export const UNKNOWN_USAGE: Usage = { promptTokens: undefined, cachedTokens: undefined, completionTokens: undefined };
