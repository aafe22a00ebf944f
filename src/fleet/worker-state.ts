/** Where a worker stands. Times are on the clock of `performance.now()`. */
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
  /** Failed its health checks, but a server listens there: checked further, and sent requests where no other worker is left. */
  | { readonly kind: 'unhealthy'; readonly sinceMs: number; readonly problem: string }
  /** Its process is known to be gone: not polled. */
  | { readonly kind: 'failed'; readonly reason: string }
  /** Taken out; requests in flight run on. */
  | { readonly kind: 'draining'; readonly sinceMs: number };

/** Why a worker does not get its share of the requests. */
export interface Out {
  /** Its state, or else what took it out. */
  readonly reason: Exclude<WorkerState['kind'], 'ready'> | 'key' | 'breaker' | 'errors' | 'rank';
  /** In a few words. */
  readonly problem: string;
}
