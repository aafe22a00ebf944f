/** A worker as a scrape sees it. */
export interface WorkerGauges {
  readonly url: string;
  /** regular, prefill or decode. */
  readonly role: string;
  /** Where it stands: starting, ready, unhealthy, failed, draining. */
  readonly state: string;
  /** Its health checks are good, and it takes the router's key. */
  readonly healthy: boolean;
  /** It may receive requests. */
  readonly available: boolean;
  /** It was taken out because its errors stand out. */
  readonly ejected: boolean;
  /** Requests in flight there. */
  readonly running: number;
  /** Open connections there; undefined of a rank that is not its server's first. */
  readonly connections: number | undefined;
  /** Blocks that the prefix index has for it; undefined without an index. */
  readonly indexBlocks: number | undefined;
  /** Routing keys that stay with it; undefined where no policy keeps any. */
  readonly stickyKeys: number | undefined;
  readonly breaker: {
    readonly state: BreakerState;
    readonly consecutiveFailures: number;
    readonly consecutiveSuccesses: number;
  };
}

export type BreakerState = 'closed' | 'open' | 'half_open';

/** What a scrape reads from those who know. */
export interface Sources {
  readonly workers: () => Iterable<WorkerGauges>;
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
interface SourceView {
  readonly name: string;
  /** It does not know whether what it named is still right, since this Unix time. */
  readonly stale: { readonly sinceMs: number } | undefined;
  /** Workers that it names now. */
  readonly names: number;
  /** Workers that came and went by it. */
  readonly added: number;
  readonly removed: number;
}
