import type { WorkerSpec } from '../worker-spec.ts';

/** Who names workers: the command line, a file, a cluster, the DNS. */
export type SourceName = NonNullable<Exclude<WorkerSpec['source'], 'api' | 'launch'>>;

/** A worker as its source names it. */
export interface FoundWorker {
  readonly spec: WorkerSpec;
  /** Tells servers apart that have the same URL one after the other; a URL stands for one server where absent. */
  readonly uid?: string;
  /** It is on its way out: nothing more is sent there, and what still runs after so long is cut. */
  readonly leavesWithinMs?: number;
}

/** A source that does not know any more whether what it named last is still right. */
export interface Stale {
  /** Unix time of when it knew last. */
  readonly sinceMs: number;
  readonly problem: string;
}

/** Names workers, for as long as it is open. */
export interface WorkerSource {
  readonly name: SourceName;
  /** What it names, where it knows that before it is followed: all of it is added, or nothing. */
  readonly named?: readonly WorkerSpec[];
  /** Undefined while it is up to date. */
  readonly stale: Stale | undefined;
  /** Calls `tell` with all its workers: at once or when it knows, and after each change. It throws RouterError `too_many_workers` where `named` is there. */
  start(tell: (workers: readonly FoundWorker[]) => void): void;
  close(): void;
}
