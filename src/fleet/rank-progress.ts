import type { Clock } from './clock.ts';
import { LOAD_SOURCES, type LoadReport } from './load-report.ts';
import { askSource } from './loads.ts';
import type { WorkerTarget } from './worker-target.ts';

const TIMEOUT_MS = 5_000;
/** Least time between two readings that prove something. */
const APART_MS = 5_000;

interface Reading {
  readonly atMs: number;
  readonly report: LoadReport;
  /** When the longest waiting call was sent: a rank that has answered it meanwhile does not stand still. */
  readonly sentMs: number | undefined;
}

/** Tells from load reports whether a rank makes progress: one that generates uses more tokens by the second. */
export class RankProgress {
  readonly #clock: Clock;
  readonly #readings = new WeakMap<WorkerTarget, Reading>();
  readonly #asking = new WeakSet<WorkerTarget>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** True if two reports some seconds apart are equal while requests wait; false without two reports. */
  async stands(target: WorkerTarget): Promise<boolean> {
    const before = this.#readings.get(target);
    const isDue = before === undefined || this.#clock.now() - before.atMs >= APART_MS;
    if (!isDue || this.#asking.has(target)) return false;
    this.#asking.add(target);
    const report = await reportOf(target).finally(() => this.#asking.delete(target));
    if (report === undefined) return false;
    const sentMs = target.firstBytes.waiting.first?.startedMs;
    this.#readings.set(target, { atMs: this.#clock.now(), report, sentMs });
    return before !== undefined && before.sentMs === sentMs && isSame(before.report, report);
  }
}

async function reportOf({ worker, rank }: WorkerTarget): Promise<LoadReport | undefined> {
  const load = await askSource(worker, LOAD_SOURCES[0]!, TIMEOUT_MS).catch(() => undefined);
  return typeof load === 'object' && rank !== undefined ? load.ranks.get(rank) : undefined;
}

function isSame(a: LoadReport, b: LoadReport): boolean {
  return (
    a.usedTokens !== undefined &&
    a.usedTokens === b.usedTokens &&
    a.runningRequests === b.runningRequests &&
    a.waitingRequests === b.waitingRequests
  );
}
