import { BLOCK_BYTES, Blocks } from '../state/blocks.ts';
import { isBefore, PrefixIndex } from '../state/prefix-index.ts';
import { expectedCost, Pressure } from './expected-cost.ts';
import { cheapest, type Offer, scoresOf, shortestQueues } from './offers.ts';
import type { Candidate, Choice, Hints, Now, Policy, Result, WorkerFacts } from './policy.ts';
import { Popularity } from './popularity.ts';
import { PredictedChoice, type Prediction, WorkerView } from './worker-view.ts';

export interface CacheAwareOptions {
  /** Share of a prompt that must match for a worker's cache to decide. */
  readonly cacheThreshold: number;
  /** Workers are out of balance when they differ by more requests than this … */
  readonly balanceAbsThreshold: number;
  /** … and the busiest has more than this many times those of the least busy. */
  readonly balanceRelThreshold: number;
  /** Entries that the prefix index keeps. */
  readonly maxTreeSize: number;
}

/** Entries dropped in one go, some milliseconds of work; the rest goes when other work was done. */
const EVICTED_AT_ONCE = 20_000;
/** Until answers tell how many bytes a token has. */
const TYPICAL_BYTES_PER_TOKEN = 4;
/** Shorter prompts are mostly chat template, and say nothing of bytes a token. */
const TELLING_BYTES = 2048;
const LEARNING = 0.05;
/** A prediction is refuted when the engine had less than this share of it cached; templates and token ends blur it. */
const REFUTED_BELOW = 0.5;
/** Of the depths to which workers hold a prompt, so many are looked at, the shallowest first: those may be popular. */
const MOST_DEPTHS = 8;
/** A copy serves those in flight and, before anybody has to decide again, as many that come after them. */
const USES_PER_REQUEST = 2;
const NO_PROMPT = new Uint8Array(0);

/**
 * Sends a prompt where its prefix is cached while that is cheaper than the wait. The documented rules hold as long as workers
 * are idle: enough of a match decides, else the most free cache does, and far out of balance the shortest queue. Between
 * them the expected cost decides, so that a hot prefix spreads by itself and affinity is never lost at a cliff.
 */
export class CacheAwarePolicy implements Policy {
  readonly name = 'cache_aware';
  readonly #options: CacheAwareOptions;
  readonly #now: Now;
  readonly #index: PrefixIndex;
  readonly #blocks = new Blocks();
  readonly #pressure = new Pressure();
  readonly #popularity = new Popularity();
  readonly #views = new Map<number, WorkerView>();
  #bytesPerToken = TYPICAL_BYTES_PER_TOKEN;
  #picks = 0;

  constructor(options: CacheAwareOptions, now: Now = () => performance.now()) {
    this.#options = options;
    this.#now = now;
    this.#index = new PrefixIndex(options.maxTreeSize);
  }

  get index(): Pick<PrefixIndex, 'bytes' | 'held'> {
    return this.#index;
  }

  pick<C extends Candidate>(candidates: readonly C[], hints: Hints, explain = false): PredictedChoice<C> {
    this.#blocks.hash(hints.prompt ?? NO_PROMPT);
    const threshold = this.#options.cacheThreshold * this.#blocks.bytes;
    const offers = this.#weigh(candidates, threshold);
    const shortest = shortestQueues(offers, this.#options);
    const enough = offers.some(({ matchedBytes }) => matchedBytes > threshold);
    const best = cheapest(shortest ?? offers, !enough);
    const byPrefix = best.matchedBytes > threshold ? 'prefix' : 'spread';
    const reason = shortest ? 'shortest_queue' : enough ? byPrefix : 'free_cache';
    return this.#take(best, reason, hints.streams ?? false, explain ? offers.map(scoresOf) : undefined);
  }

  firstByte(choice: Choice): void {
    if (choice instanceof PredictedChoice) choice.view.give(choice);
  }

  settled(choice: Choice, result: Result): void {
    if (!(choice instanceof PredictedChoice)) return;
    const { view, prediction, queuedTokens, candidate } = choice;
    view.give(choice);
    if (result.firstByteMs !== undefined) view.rate.learn(prediction.uncachedTokens, queuedTokens, result.firstByteMs);
    if (result.promptTokens) this.#learnTokenSize(prediction.promptBytes / result.promptTokens, prediction.promptBytes);
    const known = this.#views.get(candidate.slot) === view;
    if (known && prediction.provenBy !== undefined && isRefuted(prediction, result)) {
      // The engine has dropped what was used that long ago, so it has dropped what was not used since, too.
      this.#index.forgetUnusedSince(candidate.slot, prediction.provenBy);
    }
  }

  removed({ slot }: Candidate): void {
    this.#index.forget(slot);
    this.#views.delete(slot);
  }

  learned({ slot }: Candidate, { kvCapacityTokens }: WorkerFacts): void {
    if (kvCapacityTokens === undefined) return;
    this.#view(slot).kvTokens = kvCapacityTokens;
    this.#index.setCapacity(slot, this.#blocksFor(kvCapacityTokens));
  }

  evict(): void {
    for (const [slot, { kvTokens }] of this.#views) {
      if (kvTokens !== undefined) this.#index.setCapacity(slot, this.#blocksFor(kvTokens));
    }
    if (!this.#index.evict(EVICTED_AT_ONCE)) setImmediate(() => this.evict());
  }

  /** What each candidate offers, and what it costs. */
  #weigh<C extends Candidate>(candidates: readonly C[], threshold: number): Offer<C>[] {
    const nowMs = this.#now();
    const matched: number[] = [];
    const slots = candidates.map(({ slot }) => slot);
    this.#index.match(this.#blocks, slots, matched);
    const views = slots.map((slot) => this.#view(slot));
    let busy = 0;
    let fastest = 0;
    for (const view of views) {
      view.expire(nowMs);
      if (view.waiting > 0) busy++;
      fastest = Math.max(fastest, view.rate.tokensPerSec ?? 0);
    }
    this.#pressure.observe(busy / views.length);
    // A match too small to decide counts as far as computing it again would make others wait.
    const most = Math.max(...matched);
    const credit = this.#blocks.bytesIn(most) > threshold ? 1 : this.#pressure.busy;
    const copy = this.#nextCopy(candidates, matched);
    return candidates.map((candidate, i) => {
      const view = views[i] as WorkerView;
      const depth = matched[i] as number;
      const matchedBytes = this.#blocks.bytesIn(depth);
      const copied = Math.max(0, this.#blocks.bytesIn(copy.depth) - matchedBytes);
      const ownBytes = this.#blocks.bytes - credit * matchedBytes - copied * (1 - 1 / copy.sharers);
      const prospect = {
        pendingTokens: view.pendingTokens,
        waiting: view.waiting,
        uncachedTokens: ownBytes / this.#bytesPerToken,
        inFlight: candidate.load,
        speed: view.rate.relativeTo(fastest),
      };
      const cost = expectedCost(prospect, this.#pressure.weight);
      return { ...prospect, candidate, view, matchedBytes, room: this.#index.room(candidate.slot), cost };
    });
  }

  /**
   * A prefix that a share of all requests have deserves that share of the workers. Until it has them, a copy more is not on
   * the account of the request that makes it alone, but of those in flight and those after them: this is how a hot prefix spreads.
   */
  #nextCopy(candidates: readonly Candidate[], matched: readonly number[]): { depth: number; sharers: number } {
    const inFlight = candidates.reduce((sum, { load }) => sum + load, 0);
    const depths = [...new Set(matched)].filter((depth) => depth > 0).sort((a, b) => a - b);
    let copy = { depth: 0, sharers: 1 };
    this.#popularity.next();
    for (const depth of depths.slice(0, MOST_DEPTHS)) {
      const share = this.#popularity.observe(this.#blocks.lo[depth - 1] as number);
      const copies = matched.filter((blocks) => blocks >= depth).length;
      const sharers = (USES_PER_REQUEST * share * inFlight) / copies;
      if (copies < share * candidates.length && sharers > 1) copy = { depth, sharers };
    }
    return copy;
  }

  /** Counts the request on its worker and in the index. */
  #take<C extends Candidate>(
    { candidate, view, matchedBytes }: Offer<C>,
    reason: string,
    streams: boolean,
    scores: Choice['scores'],
  ): PredictedChoice<C> {
    const uncachedTokens = (this.#blocks.bytes - matchedBytes) / this.#bytesPerToken;
    const lastUse = this.#index.lastUse(this.#blocks, candidate.slot, Math.ceil(matchedBytes / BLOCK_BYTES));
    const proven = lastUse !== undefined && isBefore(lastUse, view.oldestWaiting ?? lastUse + 1);
    const prediction = {
      promptBytes: this.#blocks.bytes,
      matchedBytes,
      uncachedTokens,
      provenBy: proven ? lastUse : undefined,
      stamp: this.#index.insert(this.#blocks, candidate.slot),
    };
    const estimateMs = view.rate.msFor(view.pendingTokens + uncachedTokens);
    const doneMs = streams ? Number.POSITIVE_INFINITY : this.#now() + estimateMs;
    const choice = new PredictedChoice(candidate, view, prediction, reason, doneMs, scores);
    view.lastPick = ++this.#picks;
    view.take(choice);
    return choice;
  }

  #view(slot: number): WorkerView {
    let view = this.#views.get(slot);
    if (!view) {
      view = new WorkerView();
      this.#views.set(slot, view);
    }
    return view;
  }

  #learnTokenSize(bytesPerToken: number, promptBytes: number): void {
    if (promptBytes < TELLING_BYTES || !(bytesPerToken > 0.5 && bytesPerToken < 16)) return;
    this.#bytesPerToken += (bytesPerToken - this.#bytesPerToken) * LEARNING;
  }

  #blocksFor(tokens: number): number {
    return (tokens * this.#bytesPerToken) / BLOCK_BYTES;
  }
}

function isRefuted({ matchedBytes, promptBytes }: Prediction, { promptTokens, cachedTokens }: Result): boolean {
  if (!promptTokens || cachedTokens === undefined) return false;
  return cachedTokens / promptTokens < (REFUTED_BELOW * matchedBytes) / promptBytes;
}
