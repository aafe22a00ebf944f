import type { Socket } from 'node:net';

/** What a connection's error carries beside its code. */
interface ReuseMark {
  /** The connection had received bytes, so had served before if the failed request got none. */
  readonly reused?: boolean;
}

/** Time within which a stale connection shows itself; a worker that dies of a request usually takes longer. */
const STALE_MS = 1_000;

/** Marks an error with whether its connection had served before. */
export function markReuse(error: Error, socket: Socket): void {
  Object.assign(error, { reused: socket.bytesRead > 0 } satisfies ReuseMark);
}

/**
 * Whether a kept connection ended at once without a byte of an answer, usually because the worker had just closed it. A worker that
 * dies of the request looks the same, so the call is repeated only once, over a new connection.
 */
export function isStale(error: Error, answerBegan: boolean, tookMs: number): boolean {
  return !answerBegan && tookMs < STALE_MS && (error as ReuseMark).reused === true;
}
