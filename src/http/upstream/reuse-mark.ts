import type { Socket } from 'node:net';

/** What the error of a connection tells beside its code. */
interface ReuseMark {
  /** Something had come over it: where the error hit a request that got nothing, that was from requests before. */
  readonly reused?: boolean;
}

/** Longer than any network takes to say that a connection is closed; a worker that dies over a request as a rule has had it for longer. */
const STALE_MS = 1_000;

/** Notes on the error whether the connection had served before. */
export function markReuse(error: Error, socket: Socket): void {
  Object.assign(error, { reused: socket.bytesRead > 0 } satisfies ReuseMark);
}

/**
 * True when a connection that had served before ended at once, without a byte of an answer: as a rule the worker closed it,
 * idle, just when the request was written. A worker that dies of a request looks the same, so what may not be repeated takes
 * a new connection from the start, and what may takes one for its only repetition.
 */
export function isStale(error: Error, answerBegan: boolean, tookMs: number): boolean {
  return !answerBegan && tookMs < STALE_MS && (error as ReuseMark).reused === true;
}
