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
  /** The number of this request's use of the index. */
  readonly stamp: number;
  /** The earlier use of the last block that matched; undefined if none did. */
  readonly matchedUse: number | undefined;
  /** Whether the prompt of that use was computed by then. */
  readonly isComputed: boolean;
  /** The use up to which the worker's cache was in doubt at the choice; undefined if it was not. */
  readonly doubtedUpTo: number | undefined;
  /** The beginnings that it counts for in `Popularity`. */
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
  /** The number by which other routers know it; undefined if they are not told. */
  sharedAs: number | undefined;
  /** Estimated time at which its prompt is computed, for answers that are not streamed. */
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
  /** The number of its last choice. */
  lastPick = 0;
  /** Tokens that its KV cache holds, once known. */
  kvTokens: number | undefined;
  readonly doubt = new Doubt();
  /** Requests in flight there that other routers have sent, as far as they tell. */
  elsewhere = 0;
  /** Tokens that its ended requests computed beyond their predictions. */
  surplusTokens = 0;
  #pendingTokens = 0;
  /** Choices that wait for their first byte, oldest first. */
  readonly #waiting = new LinkedList<PredictedChoice>();

  get pendingTokens(): number {
    return this.#pendingTokens;
  }

  get waiting(): number {
    return this.#waiting.length;
  }

  /** The index use of the oldest waiting request; undefined when none waits. */
  get oldestWaiting(): number | undefined {
    return this.#waiting.first?.prediction.stamp;
  }

  /** Counts a choice from now on. */
  take(choice: PredictedChoice): void {
    this.#waiting.add(choice);
    this.#pendingTokens += choice.prediction.uncachedTokens;
  }

  /** The choice's prompt is computed or given up; may be called more than once. */
  give(choice: PredictedChoice): void {
    if (this.#waiting.remove(choice)) this.#pendingTokens -= choice.prediction.uncachedTokens;
  }

  /** Gives back choices whose prompts must be computed by now, as estimated. */
  expire(nowMs: number): void {
    for (let { first } = this.#waiting; first && first.doneMs <= nowMs; { first } = this.#waiting) this.give(first);
  }
}
