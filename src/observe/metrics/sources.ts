/** A worker as a scrape sees it. */
export interface WorkerView {
  readonly url: string;
  /** regular, prefill or decode. */
  readonly role: string;
  /** Where it stands: starting, ready, unhealthy, failed, draining. */
  readonly state: string;
  /** It may receive requests. */
  readonly available: boolean;
  /** It was taken out because its errors stand out. */
  readonly ejected: boolean;
  /** Requests in flight there. */
  readonly running: number;
  /** Blocks that the prefix index has for it; undefined without an index. */
  readonly indexBlocks: number | undefined;
  readonly breaker: { readonly state: BreakerState; readonly consecutiveFailures: number };
}

export type BreakerState = 'closed' | 'open' | 'half_open';

/** What a scrape reads from those who know. */
export interface Sources {
  readonly workers: () => Iterable<WorkerView>;
  readonly inFlight: () => number;
  readonly queued: () => number;
  readonly connections: () => number;
  /** Memory of the prefix index; undefined without one. */
  readonly indexBytes: () => number | undefined;
  /** Other routers that tell what they choose. */
  readonly routersHeard: () => number;
  readonly sources: () => Iterable<SourceView>;
}

/** Who names workers, as a scrape sees it. */
export interface SourceView {
  readonly name: string;
  /** It does not know whether what it named is still right, since this Unix time. */
  readonly stale: { readonly sinceMs: number } | undefined;
}
