import type { Chosen } from '../observe/observer.ts';
import type { RequestRecord } from '../observe/request-record.ts';
import type { DecisionView } from './snapshot.ts';

const MOST = 50;
/** A client may name any model, of any length. */
const SHOWN_CHARACTERS = 80;
/** Rows of scores that are shown of one choice. */
const MOST_SCORES = 8;
/** Scores are asked for at most so often: of a thousand workers they cost more than the choice. */
const SCORES_EVERY_MS = 100;

interface Decision {
  readonly atMs: number;
  readonly attempt: number;
  /** Filled in as the request goes on; of other attempts too. */
  readonly record: RequestRecord;
  readonly chosen: Chosen;
}

/** The last choices of a worker. Kept only while somebody looks. */
export class Decisions {
  #last: Decision[] | undefined;
  #scoredMs = Number.NEGATIVE_INFINITY;

  start(): void {
    this.#last = [];
  }

  stop(): void {
    this.#last = undefined;
  }

  /** Whether the next choice should tell what it compared. */
  get wantsScores(): boolean {
    return this.#last !== undefined && performance.now() - this.#scoredMs >= SCORES_EVERY_MS;
  }

  /** A worker was chosen for an attempt of that request; `aside` where another one of the same attempt answers the client. */
  chosen(record: RequestRecord, chosen: Chosen, aside: boolean): void {
    if (!this.#last) return;
    if (chosen.scores) this.#scoredMs = performance.now();
    // An attempt is counted with the worker that answers, which is chosen after the other.
    const attempt = aside ? record.attempts + 1 : record.attempts;
    this.#last.push({ atMs: Date.now(), attempt, record, chosen });
    if (this.#last.length >= 2 * MOST) this.#last = this.#last.slice(-MOST);
  }

  /** The newest first. */
  read(): DecisionView[] {
    return (this.#last ?? []).slice(-MOST).reverse().map(viewOf);
  }
}

function viewOf({ atMs, attempt, record, chosen }: Decision): DecisionView {
  const { worker, policy, reason, matchedBytes, promptBytes, scores } = chosen;
  // What became of a request is told beside its last attempt alone.
  const isLast = record.attempts <= attempt;
  const hasEnded = isLast && record.totalMs > 0;
  const { promptTokens, cachedTokens, model } = record;
  const tellsCache = isLast && promptTokens !== undefined && promptTokens > 0 && cachedTokens !== undefined;
  return {
    time: new Date(atMs).toISOString(),
    request: record.id,
    route: record.route,
    model: model?.slice(0, SHOWN_CHARACTERS) ?? null,
    attempt,
    worker,
    policy,
    reason,
    predictedHit: promptBytes > 0 ? atMostOne(matchedBytes / promptBytes) : null,
    actualHit: tellsCache ? atMostOne(cachedTokens / promptTokens) : null,
    state: hasEnded ? 'ended' : isLast ? 'running' : 'tried again',
    status: hasEnded ? record.status : null,
    error: isLast ? (record.errorCode ?? null) : null,
    ttftMs: isLast ? (record.firstByteMs ?? null) : null,
    totalMs: hasEnded ? record.totalMs : null,
    scores: best(scores, worker),
  };
}

/** The one that was chosen, then the others as they were looked at. */
function best(scores: Chosen['scores'] = [], worker: string): DecisionView['scores'] {
  const own = scores.filter((row) => row.worker === worker);
  const others = scores.filter((row) => row.worker !== worker);
  return [...own, ...others].slice(0, MOST_SCORES);
}

function atMostOne(share: number): number {
  return Math.min(1, share);
}
