import type { Candidate, Now, WorkerFacts } from './policy.ts';

/** Age at which a report no longer counts: a few polls of a worker that answers. */
const STALE_AFTER_MS = 5_000;
/** Share of its KV cache above which a worker counts as full; caps the fullness term. */
const FULLEST = 0.95;

/** Number of reports whose median counts: a single one may fall just before a burst of ours ends, or between two batches of others. */
const REPORTS = 3;

interface Report {
  readonly atMs: number;
  /** Other clients' requests in the latest reports, the newest last. */
  readonly seen: readonly number[];
  /** The estimate of other clients' requests. */
  readonly elsewhere: number;
  /** How full the KV cache is, expressed in requests. */
  readonly fullness: number;
}

/** Load that workers report beyond the requests counted here. */
export class ReportedLoad {
  readonly #now: Now;
  /** By slot. */
  readonly #reports: (Report | undefined)[] = [];
  /** By slot: tokens that the KV cache holds; not every report tells. */
  readonly #capacities: (number | undefined)[] = [];

  constructor(now: Now) {
    this.#now = now;
  }

  learned(candidate: Candidate, facts: WorkerFacts): void {
    const { runningRequests, waitingRequests, usedTokens = 0, kvCapacityTokens } = facts;
    const capacity = kvCapacityTokens ?? this.#capacities[candidate.slot];
    this.#capacities[candidate.slot] = capacity;
    if (runningRequests === undefined || waitingRequests === undefined) return;
    const nowMs = this.#now();
    const before = this.#fresh(candidate, nowMs);
    const others = Math.max(0, runningRequests + waitingRequests - candidate.load);
    const seen = [...(before?.seen ?? []), others].slice(-REPORTS);
    const fill = capacity ? Math.min(FULLEST, usedTokens / capacity) : 0;
    this.#reports[candidate.slot] = {
      atMs: nowMs,
      seen,
      elsewhere: middleOf(seen),
      // As in a queue: close to zero while there is room, and unbounded as it fills.
      fullness: fill / (1 - fill),
    };
  }

  removed(candidate: Candidate): void {
    this.#reports[candidate.slot] = undefined;
    this.#capacities[candidate.slot] = undefined;
  }

  /** Load to add to the requests counted here; undefined without a recent report, which does not mean idle. */
  beyond(candidate: Candidate, nowMs = this.#now()): number | undefined {
    const report = this.#fresh(candidate, nowMs);
    return report && report.elsewhere + report.fullness;
  }

  /** The reported load, for the explain header and the log. */
  score(candidate: Candidate): { readonly reported: number | string } {
    const beyond = this.beyond(candidate);
    return { reported: beyond === undefined ? 'nothing' : Math.round(beyond * 100) / 100 };
  }

  #fresh({ slot }: Candidate, nowMs: number): Report | undefined {
    const report = this.#reports[slot];
    return report && nowMs - report.atMs <= STALE_AFTER_MS ? report : undefined;
  }
}

/** The median; of two the smaller. */
function middleOf(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[(values.length - 1) >> 1] as number;
}
