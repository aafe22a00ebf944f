import type { WorkerSpec } from '../worker-spec.ts';

/** The kind of source: the command line, a file, a cluster, the DNS. */
export type SourceName = NonNullable<Exclude<WorkerSpec['source'], 'api' | 'launch'>>;

/** A worker as its source names it. */
export interface FoundWorker {
  readonly spec: WorkerSpec;
  /** Tells successive servers with the same URL apart; without it a URL is one server. */
  readonly uid?: string;
  /** The worker is leaving: it gets no new requests, and those still running after this time are cut. */
  readonly leavesWithinMs?: number;
}

/** Describes a source that no longer knows whether its workers are right. */
export interface Stale {
  /** Unix time at which it last knew. */
  readonly sinceMs: number;
  readonly problem: string;
}

/** Names workers, for as long as it is open. */
export interface WorkerSource {
  readonly name: SourceName;
  /** The workers it names, if known before `start`: all of them are added, or none. */
  readonly named?: readonly WorkerSpec[];
  /** Set while the source is out of date. */
  readonly stale: Stale | undefined;
  /** Calls `tell` with all its workers once known, and after each change. `tell` throws RouterError `too_many_workers` if `named` is set. */
  start(tell: (workers: readonly FoundWorker[]) => void): void;
  close(): void;
}
