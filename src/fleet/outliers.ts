import type { Clock } from './clock.ts';
import type { Conduct } from './conduct.ts';
import type { Worker } from './worker.ts';
import { UNKNOWN_MODEL } from './worker-spec.ts';

/** Errors in a row that others did not give, after which a worker rests. */
const SUSPICIOUS = 2;
/** Standard deviations from a seen share of errors to its upper bound. */
const DEVIATIONS = 2;
/** Probability by chance below which a worker stands out. */
const CHANCE = 1e-5;
/** Least difference by which a share of errors must stand out. */
const MARGIN = 0.1;

/**
 * Finds workers whose errors stand out against their peers'. The formula and its reasons are told in docs/fault-tolerance.md,
 * "A worker that fails where others do not".
 */
export class Outliers {
  readonly #workers: ReadonlyMap<string, Worker>;
  readonly #clock: Clock;

  constructor(workers: ReadonlyMap<string, Worker>, clock: Clock) {
    this.#workers = workers;
    this.#clock = clock;
  }

  /** Whether another worker, not held back, may be asked. */
  hasPeers(worker: Worker, { kind }: Conduct): boolean {
    for (const other of this.#workers.values()) {
      if (other !== worker && isPeer(worker, other) && other.available && !other.conducts.holds(kind)) return true;
    }
    return false;
  }

  /** Judges a worker that is to blame for another error. */
  judge(worker: Worker, conduct: Conduct): void {
    const all = [...this.#workers.values()].filter((other) => isPeer(worker, other));
    const isOut = ({ conducts }: Worker) => conducts.of(conduct.kind)?.ejected !== undefined;
    const peers = all.filter((other) => other !== worker && other.available && !isOut(other));
    if (peers.length === 0) return;
    if (conduct.ejected !== undefined) {
      conduct.eject(conduct.ejected);
      return;
    }
    const reason = this.#reasonFor(conduct, this.#boundOf(peers, conduct.kind));
    const mayEject = (all.filter(isOut).length + 1) * 2 <= all.length;
    if (reason !== undefined && mayEject) conduct.eject(reason);
    else if (conduct.blamedInARow >= SUSPICIOUS) conduct.rest();
  }

  /** Why a worker stands out against peers with a share of errors up to `bound`; undefined if it does not. */
  #reasonFor({ blamedInARow, lastError, kind, counts }: Conduct, bound: number): string | undefined {
    if (standsOut(blamedInARow, blamedInARow, bound)) return `${lastError} to ${kind}, ${blamedInARow} times in a row`;
    const { blamed, answers } = counts.sum(this.#clock.now());
    if (!standsOut(blamed, answers, bound)) return undefined;
    return `${blamed} of ${answers} requests to ${kind} lately, the last: ${lastError}`;
  }

  /** The median of the peers' upper bounds, so that neither a bad nor a dominating peer decides. */
  #boundOf(peers: readonly Worker[], kind: string): number {
    const bounds = peers.map(({ conducts }) => {
      const { blamed, answers } = conducts.of(kind)?.counts.sum(this.#clock.now()) ?? { blamed: 0, answers: 0 };
      return upperBound(blamed, answers);
    });
    return bounds.sort((a, b) => a - b)[Math.floor((bounds.length - 1) / 2)] as number;
  }
}

/** Whether two workers may serve the same model; one that does not tell its model may serve any. */
function isPeer({ role, modelId }: Worker, other: Worker): boolean {
  if (other.role !== role) return false;
  return other.modelId === modelId || modelId === UNKNOWN_MODEL || other.modelId === UNKNOWN_MODEL;
}

/** The upper bound of a share with `errors` of `answers` seen (Agresti and Coull's interval). */
export function upperBound(errors: number, answers: number): number {
  const share = (errors + 1) / (answers + 4);
  return Math.min(1, share + DEVIATIONS * Math.sqrt((share * (1 - share)) / (answers + 4)));
}

/** Whether so many errors are improbable with a share up to `bound` (Chernoff's bound of the binomial tail). */
export function standsOut(errors: number, answers: number, bound: number): boolean {
  const share = errors / answers;
  return share >= bound + MARGIN && Math.exp(-answers * divergence(share, bound)) < CHANCE;
}

/** Kullback-Leibler divergence between two shares. */
function divergence(a: number, b: number): number {
  const part = (x: number, y: number) => (x === 0 ? 0 : x * Math.log(x / y));
  return part(a, b) + part(1 - a, 1 - b);
}
