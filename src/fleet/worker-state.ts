/** The state of a worker. Times are by `performance.now()`. */
export type WorkerState =
  /** Polled until it is healthy. */
  | {
      readonly kind: 'starting';
      readonly sinceMs: number;
      readonly problem?: string;
      /** Waiting does not mend the problem. */
      readonly lasting?: boolean;
    }
  | { readonly kind: 'ready'; readonly sinceMs: number }
  /** It failed its health checks but still listens: it is checked on, and gets requests only if no other worker is left. */
  | { readonly kind: 'unhealthy'; readonly sinceMs: number; readonly problem: string }
  /** Its process is known to be gone: not polled. */
  | { readonly kind: 'failed'; readonly reason: string }
  /** It was removed; requests in flight run on. */
  | { readonly kind: 'draining'; readonly sinceMs: number };

/** Why a worker does not get its share of the requests. */
export interface Out {
  /** The state, or whatever else takes it out. */
  readonly reason: Exclude<WorkerState['kind'], 'ready'> | 'key' | 'breaker' | 'errors' | 'rank';
  /** The reason in a few words. */
  readonly problem: string;
}
