/** 529 is Anthropic's 503. */
const RETRYABLE: ReadonlySet<number> = new Set([408, 429, 500, 502, 503, 504, 529]);

/** Statuses of a worker that is full. */
export const BUSY: ReadonlySet<number> = new Set([408, 429, 503, 529]);
/** Statuses after which another worker, or the same one later, may do better. */
export function isRetryable(status: number): boolean {
  return RETRYABLE.has(status);
}

/** Whether a status is an error that other workers may not give, though it is not retried as such. */
export function isDoubtful(status: number): boolean {
  return status >= 400 && status < 500 && !BUSY.has(status);
}
