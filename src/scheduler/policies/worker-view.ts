import { type LinkedItem, LinkedList } from '../../fleet/linked-list.ts';
import { Doubt } from './doubt.ts';
import type { Candidate, Choice } from './policy.ts';
import { PrefillRate } from './prefill-rate.ts';

/** What was predicted for one request when its worker was chosen. */
export interface Prediction {
  readonly promptBytes: number;
  readonly matchedBytes: number;
  /** Tokens that the worker has to compute for it. */
  readonly uncachedTokens: number;
  /** The use of the index that this request is. */
  readonly stamp: number;
  /** Use of the last block that matched before this one; undefined where none did. */
  readonly matchedUse: number | undefined;
  /** Whether the prompt of that use was computed by then. */
  readonly isComputed: boolean;
  /** What the worker had not used since this use may have been lost at the choice; undefined where nothing may. */
  readonly doubtedUpTo: number | undefined;
  /** What it counts for in `Popularity`. */
  readonly prefixes: readonly number[];
}

/** A choice and what has to be given back for it. */
export class PredictedChoice<C extends Candidate = Candidate> implements Choice<C>, LinkedItem<PredictedChoice> {
  before: PredictedChoice | undefined;
  after: PredictedChoice | undefined;
  readonly candidate: C;
  readonly view: WorkerView;
  readonly prediction: Prediction;
  readonly reason: string;
  /** Tokens that the worker had to compute at the choice, this request's included. */
  readonly queuedTokens: number;
  /** The worker's `surplusTokens` at the choice. */
  readonly surplusTokens: number;
  /** The number by which other routers are told of it; undefined where they are not. */
  sharedAs: number | undefined;
  /** When its prompt is computed by estimate: an answer that comes at once does not tell. */
  readonly doneMs: number;
  readonly scores?: NonNullable<Choice['scores']>;

  constructor(
    candidate: C,
    view: WorkerView,
    prediction: Prediction,
    reason: string,
    doneMs: number,
    scores: Choice['scores'],
  ) {
    this.candidate = candidate;
    this.view = view;
    this.prediction = prediction;
    this.reason = reason;
    this.queuedTokens = view.pendingTokens + prediction.uncachedTokens;
    this.surplusTokens = view.surplusTokens;
    this.doneMs = doneMs;
    if (scores) this.scores = scores;
  }

  get matchedBytes(): number {
    return this.prediction.matchedBytes;
  }

  get promptBytes(): number {
    return this.prediction.promptBytes;
  }
}

/** One worker as this router's own requests show it. A worker that comes back gets a new view, so late answers of the old do no harm. */
export class WorkerView {
  readonly rate = new PrefillRate();
  /** Number of the last choice that fell on it. */
  lastPick = 0;
  /** Tokens that its KV cache holds, once known. */
  kvTokens: number | undefined;
  readonly doubt = new Doubt();
  /** Requests in flight there that other routers have sent, as far as they tell. */
  elsewhere = 0;
  /** Tokens that it computed more than predicted, of all requests that are over. */
  surplusTokens = 0;
  #pendingTokens = 0;
  /** Choices whose first byte has not come, oldest first. */
  readonly #waiting = new LinkedList<PredictedChoice>();

  get pendingTokens(): number {
    return this.#pendingTokens;
  }

  get waiting(): number {
    return this.#waiting.length;
  }

  /** The use of the index by the oldest request that waits; undefined when none does. */
  get oldestWaiting(): number | undefined {
    return this.#waiting.first?.prediction.stamp;
  }

  /** Counts a choice from now on. */
  take(choice: PredictedChoice): void {
    this.#waiting.add(choice);
    this.#pendingTokens += choice.prediction.uncachedTokens;
  }

  /** The choice's prompt is computed, or given up; may be told more than once. */
  give(choice: PredictedChoice): void {
    if (this.#waiting.remove(choice)) this.#pendingTokens -= choice.prediction.uncachedTokens;
  }

  /** Gives back choices whose prompt must be computed by now, though no byte has told so. */
  expire(nowMs: number): void {
    for (let { first } = this.#waiting; first && first.doneMs <= nowMs; { first } = this.#waiting) this.give(first);
  }
}
