import { BLOCK_BYTES, Blocks } from '../index/blocks.ts';
import { isBefore, PrefixIndex } from '../index/prefix-index.ts';
import { expectedCost, Pressure } from './expected-cost.ts';
import { cheapest, costParts, type Offer, shortestQueues } from './offers.ts';
import type { Candidate, Choice, Hints, Now, Policy, Result, WorkerFacts } from './policy.ts';
import { depthsOf, Popularity } from './popularity.ts';
import { Rendezvous } from './rendezvous.ts';
import { idOfSession, Sessions } from './sessions.ts';
import type { ChoiceTeller, SharedChoice } from './shared-choice.ts';
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

/** Entries of the index dropped in one go, 1 to 6 ms of work; the rest goes when other work was done. */
export const DROPPED_AT_ONCE = 2_000;
/** Bytes per token until answers tell. */
const TYPICAL_BYTES_PER_TOKEN = 4;
/** Shorter prompts are mostly chat template, and say nothing of the bytes per token. */
const TELLING_BYTES = 2048;
const LEARNING = 0.05;
/** A prediction is refuted when the engine had less than this share of it cached; templates and token ends blur it. */
const REFUTED_BELOW = 0.5;
/** A smaller prediction says nothing of the cache: it may be the template alone. */
const LEAST_TELLING_BYTES = 1024;
/**
 * Share at which a doubted match counts, so that of several holders the one that uses the prompt now is taken. Without it bursts of 1,024
 * prompts, with the caches emptied between, made ever more copies.
 */
const DOUBTED_SHARE = 0.9;
/**
 * Factor by which the index may hold more than an engine: a prompt just dropped is better computed there again than copied elsewhere.
 * With small caches on 8 simulated engines, agents hit 66 % instead of 62.5, and first tokens came 5 % sooner; with 1.3 later again.
 */
const OVERBOOKING = 1.15;
/** What a session without a known prefix saves on its last worker: these tokens, worth two requests in flight, or this share of its own. */
const SESSION_TOKENS = 256;
const SESSION_SHARE = 1 / 8;
/**
 * Weight of each token of an unknown prompt on the worker that all routers would choose, as several routers may get it at once. Of 1,024
 * prompts at once on four routers that hear of each other 50 ms late, first tokens (p90) come 1.4 times as late as with one router at 0,
 * 1.25 times at 3 and 1.15 times at 8; but at 8 prompts that nobody shares take 17 % longer in all.
 */
const AGREED_WEIGHT = 3;
const NO_PROMPT = new Uint8Array(0);
const NO_HASHES = new Int32Array(0);

/** What the index and the sessions know of a prompt, per candidate. */
interface Known {
  /** Blocks of the prompt that each candidate holds, and when it used the last of them. */
  readonly held: readonly number[];
  readonly uses: readonly (number | undefined)[];
  /** The different numbers of blocks. */
  readonly depths: readonly number[];
  /** The longest match is enough to decide. */
  readonly enough: boolean;
  /** The worker that served the session last. */
  readonly home: WorkerView | undefined;
  /** The worker that all routers would choose for an unknown prompt; undefined with one router. */
  readonly agreed: Candidate | undefined;
}

/** The predicted figures that a choice is counted with. */
interface Counted extends Omit<Prediction, 'promptBytes' | 'stamp' | 'prefixes'> {
  readonly blocks: Blocks;
  readonly depths: readonly number[];
  readonly streams: boolean;
}

/**
 * Sends a prompt where its prefix is cached while that is cheaper than the wait. The documented rules hold as long as workers
 * are idle: enough of a match decides, else the most free cache does, and far out of balance the shortest queue. Between
 * them the expected cost decides, so that a hot prefix spreads by itself and affinity is never lost at a cliff.
 */
export class CacheAwarePolicy implements Policy {
  readonly name = 'cache_aware';
  readonly reads = 'hashes';
  readonly #options: CacheAwareOptions;
  readonly #now: Now;
  readonly #index: PrefixIndex;
  readonly #blocks = new Blocks();
  readonly #pressure = new Pressure();
  readonly #popularity = new Popularity();
  readonly #sessions: Sessions;
  /** Blocks of choices that other routers tell of. */
  readonly #blocksElsewhere = new Blocks();
  readonly #rendezvous = new Rendezvous();
  #teller: ChoiceTeller | undefined;
  /** By slot. */
  readonly #views: (WorkerView | undefined)[] = [];
  #bytesPerToken = TYPICAL_BYTES_PER_TOKEN;
  #picks = 0;
  #tidying = false;
  #evicting = false;

  constructor(options: CacheAwareOptions, now: Now = () => performance.now()) {
    this.#options = options;
    this.#now = now;
    this.#index = new PrefixIndex(options.maxTreeSize);
    this.#sessions = new Sessions(now);
  }

  get index(): Pick<PrefixIndex, 'bytes' | 'held'> {
    return this.#index;
  }

  pick<C extends Candidate>(candidates: readonly C[], hints: Hints, explain = false): PredictedChoice<C> {
    const blocks = blocksOf(hints.prompt, this.#blocks);
    const threshold = this.#options.cacheThreshold * blocks.bytes;
    const held: number[] = new Array(candidates.length).fill(0);
    const uses: (number | undefined)[] = new Array(candidates.length).fill(undefined);
    if (!hints.recomputes) this.#index.match(blocks, slotsOf(candidates), held, uses as number[]);
    const depths = depthsOf(held);
    const deepest = Math.max(...held);
    const enough = deepest > 0 && blocks.bytesIn(deepest) > threshold;
    const { key } = hints;
    const home = key && !enough ? this.#sessions.recall(key) : undefined;
    const agreed = enough ? undefined : this.#agreed(candidates, deepest);
    const offers = this.#weigh(candidates, { held, uses, depths, enough, home, agreed });
    const shortest = shortestQueues(offers, this.#options);
    const best = cheapest(shortest ?? offers, !enough);
    if (key) this.#sessions.remember(key, best.view);
    const byPrefix = best.matchedBytes > threshold ? 'prefix' : 'spread';
    const bySession = best.view === home ? 'session' : best.candidate === agreed ? 'agreed' : 'free_cache';
    const reason = shortest ? 'shortest_queue' : enough ? byPrefix : bySession;
    const choice = this.#take(
      best,
      depths,
      reason,
      hints.streams ?? false,
      explain ? offers.map(costParts) : undefined,
    );
    if (this.#teller?.isHeard) choice.sharedAs = this.#teller.chosen(this.#shared(choice, depths, hints));
    return choice;
  }

  firstByte(choice: Choice): void {
    if (!(choice instanceof PredictedChoice)) return;
    choice.view.give(choice);
    if (choice.sharedAs !== undefined) this.#teller?.computed(choice.sharedAs);
  }

  settled(choice: Choice, result: Result): void {
    if (!(choice instanceof PredictedChoice)) return;
    const { view, prediction, queuedTokens, surplusTokens, candidate } = choice;
    const { uncachedTokens, promptBytes, prefixes } = prediction;
    const { firstByteMs, promptTokens, cachedTokens } = result;
    view.give(choice);
    this.#popularity.leave(prefixes);
    const surplus = promptTokens && cachedTokens !== undefined ? promptTokens - cachedTokens - uncachedTokens : 0;
    view.surplusTokens += surplus;
    if (choice.sharedAs !== undefined) this.#teller?.settled(choice.sharedAs, surplus);
    // Tokens computed before this prompt, as answers told them and not as they were predicted.
    const computed = queuedTokens + view.surplusTokens - surplusTokens;
    if (firstByteMs !== undefined && computed > 0) view.rate.learn(uncachedTokens, computed, firstByteMs);
    if (promptTokens) this.#learnTokenSize(promptBytes / promptTokens, promptBytes);
    if (this.#views[candidate.slot] === view) this.#learnLosses(choice, result);
    view.doubt.closed(this.#index.latestUse);
  }

  share(teller: ChoiceTeller): void {
    this.#teller = teller;
  }

  /** Counts another router's choice like one of this router; only its answer, which is not seen here, would tell speed and losses. */
  chosenElsewhere<C extends Candidate>(candidate: C, shared: SharedChoice): PredictedChoice<C> {
    const blocks = this.#blocksElsewhere.take(shared.promptBytes, shared.hashes);
    const view = this.#view(candidate.slot);
    const { uncachedTokens, depths, streams, session } = shared;
    if (session !== undefined) this.#sessions.rememberId(session, view);
    view.elsewhere++;
    const known = { matchedBytes: 0, matchedUse: undefined, isComputed: false, doubtedUpTo: undefined };
    return this.#count(candidate, view, { blocks, depths, uncachedTokens, streams, ...known }, 'elsewhere', undefined);
  }

  endedElsewhere(choice: Choice, surplusTokens: number): void {
    if (!(choice instanceof PredictedChoice)) return;
    const { view, prediction } = choice;
    view.give(choice);
    view.elsewhere--;
    view.surplusTokens += surplusTokens;
    this.#popularity.leave(prediction.prefixes);
    view.doubt.closed(this.#index.latestUse);
  }

  removed({ slot }: Candidate): void {
    this.#index.forget(slot);
    this.#views[slot] = undefined;
    this.#tidySoon();
  }

  learned({ slot }: Candidate, { kvCapacityTokens }: WorkerFacts): void {
    if (kvCapacityTokens === undefined) return;
    this.#view(slot).kvTokens = kvCapacityTokens;
    this.#index.setCapacity(slot, this.#blocksFor(kvCapacityTokens));
    this.#tidySoon();
  }

  evict(): void {
    for (const [slot, view] of this.#views.entries()) {
      if (view?.kvTokens !== undefined) this.#index.setCapacity(slot, this.#blocksFor(view.kvTokens));
    }
    this.#evicting = true;
    this.#tidySoon();
  }

  /** Drops from the index what does not count any more, a slice at a time between other work. */
  #tidySoon(): void {
    if (this.#tidying) return;
    this.#tidying = true;
    setImmediate(() => {
      this.#tidying = false;
      const isTidy = this.#index.tidy(DROPPED_AT_ONCE);
      if (isTidy && this.#evicting) this.#evicting = !this.#index.evict(DROPPED_AT_ONCE);
      if (!isTidy || this.#evicting) this.#tidySoon();
    }).unref();
  }

  /** Learns from an answer which part of its cache the worker has lost. */
  #learnLosses({ prediction, view, candidate: { slot } }: PredictedChoice, result: Result): void {
    const { matchedUse, isComputed, doubtedUpTo, matchedBytes } = prediction;
    if (matchedUse === undefined || !result.promptTokens || result.cachedTokens === undefined) return;
    const refuted = isRefuted(prediction, result);
    const isTelling = doubtedUpTo !== undefined && matchedBytes >= LEAST_TELLING_BYTES;
    if (isTelling && !refuted) view.doubt.confirmed(matchedUse, doubtedUpTo);
    if (!refuted || !isComputed) return;
    // If the engine has dropped this prompt, it has dropped everything that was not used since.
    this.#index.forgetUnusedSince(slot, matchedUse);
    const lost = isTelling ? view.doubt.refuted(doubtedUpTo) : undefined;
    if (lost !== undefined) this.#index.forgetUnusedSince(slot, lost);
    this.#tidySoon();
  }

  /** Weighs each candidate's cost; a session without a known prefix costs less at its `home`. */
  #weigh<C extends Candidate>(candidates: readonly C[], known: Known): Offer<C>[] {
    const { held, uses, depths, enough, home, agreed } = known;
    const blocks = this.#blocks;
    const nowMs = this.#now();
    let busy = 0;
    let fastest = 0;
    let inFlight = 0;
    let rooms = 0;
    let told = 0;
    for (const { slot, load } of candidates) {
      const view = this.#view(slot);
      view.expire(nowMs);
      inFlight += view.elsewhere;
      if (view.waiting > 0) busy++;
      fastest = Math.max(fastest, view.rate.tokensPerSec ?? 0);
      inFlight += load;
      if (view.kvTokens === undefined) continue;
      rooms += this.#index.room(slot);
      told++;
    }
    // A worker that does not tell its cache size counts as one like the others, not as endlessly free.
    const roomOf = (slot: number, view: WorkerView) =>
      told > 0 && view.kvTokens === undefined ? Math.floor(rooms / told) : this.#index.room(slot);
    this.#pressure.observe(busy / candidates.length);
    const { weight } = this.#pressure;
    // A match too small to decide counts as far as computing it again would make others wait.
    const credit = enough ? 1 : this.#pressure.busy;
    const copy = this.#popularity.nextCopy(blocks, held, depths, inFlight);
    const copyBytes = blocks.bytesIn(copy.depth);
    const onOthers = 1 - 1 / copy.sharers;
    let leastTokens = Number.POSITIVE_INFINITY;
    const offers = candidates.map((candidate, i) => {
      const view = this.#view(candidate.slot);
      const matchedBytes = blocks.bytesIn(held[i] as number);
      const matchedUse = uses[i];
      const sure = view.doubt.concerns(matchedUse) ? DOUBTED_SHARE : 1;
      const ownBytes = blocks.bytes - credit * sure * matchedBytes - Math.max(0, copyBytes - matchedBytes) * onOthers;
      const uncachedTokens = ownBytes / this.#bytesPerToken;
      leastTokens = Math.min(leastTokens, uncachedTokens);
      return {
        candidate,
        view,
        matchedBytes,
        matchedUse,
        room: roomOf(candidate.slot, view),
        pendingTokens: view.pendingTokens,
        waiting: view.waiting,
        uncachedTokens,
        inFlight: candidate.load + view.elsewhere,
        speed: view.rate.relativeTo(fastest),
        cost: 0,
      };
    });
    for (const offer of offers) {
      const saved = offer.view === home ? Math.max(SESSION_TOKENS, offer.uncachedTokens * SESSION_SHARE) : 0;
      const together = offer.candidate === agreed ? AGREED_WEIGHT * offer.uncachedTokens : 0;
      offer.cost = expectedCost(offer, weight, leastTokens) - saved - together;
    }
    return offers;
  }

  /** Counts the request on its worker and in the index. */
  #take<C extends Candidate>(
    { candidate, view, matchedBytes, matchedUse }: Offer<C>,
    depths: readonly number[],
    reason: string,
    streams: boolean,
    scores: Choice['scores'],
  ): PredictedChoice<C> {
    const blocks = this.#blocks;
    const uncachedTokens = (blocks.bytes - matchedBytes) / this.#bytesPerToken;
    const { oldestWaiting, doubt } = view;
    const isComputed = matchedUse !== undefined && (oldestWaiting === undefined || isBefore(matchedUse, oldestWaiting));
    const doubtedUpTo = doubt.concerns(matchedUse) ? doubt.upTo : undefined;
    const counted = { blocks, depths, uncachedTokens, streams, matchedBytes, matchedUse, isComputed, doubtedUpTo };
    return this.#count(candidate, view, counted, reason, scores);
  }

  /** Counts a choice, of this router or another. */
  #count<C extends Candidate>(
    candidate: C,
    view: WorkerView,
    counted: Counted,
    reason: string,
    scores: Choice['scores'],
  ): PredictedChoice<C> {
    const { blocks, depths, streams, matchedBytes, matchedUse, uncachedTokens, isComputed, doubtedUpTo } = counted;
    const prediction = {
      matchedBytes,
      matchedUse,
      uncachedTokens,
      isComputed,
      doubtedUpTo,
      promptBytes: blocks.bytes,
      stamp: this.#index.insert(blocks, candidate.slot),
      prefixes: this.#popularity.join(blocks, depths),
    };
    const estimateMs = view.rate.msFor(view.pendingTokens + prediction.uncachedTokens);
    const doneMs = streams ? Number.POSITIVE_INFINITY : this.#now() + estimateMs;
    const choice = new PredictedChoice(candidate, view, prediction, reason, doneMs, scores);
    view.lastPick = ++this.#picks;
    view.take(choice);
    view.doubt.opened();
    return choice;
  }

  /** Describes a choice for the prompt in `#blocks` to other routers. */
  #shared({ candidate, prediction }: PredictedChoice, depths: readonly number[], hints: Hints): SharedChoice {
    return {
      url: candidate.url,
      promptBytes: prediction.promptBytes,
      hashes: this.#blocks.hashes(),
      depths,
      uncachedTokens: prediction.uncachedTokens,
      streams: hints.streams ?? false,
      session: hints.key ? idOfSession(hints.key) : undefined,
    };
  }

  /** The worker that all routers agree on for a prompt whose first `known` blocks are held somewhere; undefined without other routers. */
  #agreed<C extends Candidate>(candidates: readonly C[], known: number): C | undefined {
    if (!this.#teller?.isHeard || known >= this.#blocks.count) return undefined;
    return this.#rendezvous.owner(candidates, this.#blocks.lo[known] as number);
  }

  #view(slot: number): WorkerView {
    // Filled without gaps, so that it stays a plain array.
    while (this.#views.length <= slot) this.#views.push(undefined);
    const view = this.#views[slot] ?? new WorkerView();
    this.#views[slot] = view;
    return view;
  }

  #learnTokenSize(bytesPerToken: number, promptBytes: number): void {
    if (promptBytes < TELLING_BYTES || !(bytesPerToken > 0.5 && bytesPerToken < 16)) return;
    this.#bytesPerToken += (bytesPerToken - this.#bytesPerToken) * LEARNING;
  }

  #blocksFor(tokens: number): number {
    return (OVERBOOKING * tokens * this.#bytesPerToken) / BLOCK_BYTES;
  }
}

function slotsOf(candidates: readonly Candidate[]): readonly number[] {
  return candidates.map(({ slot }) => slot);
}

function isRefuted({ matchedBytes, promptBytes }: Prediction, { promptTokens, cachedTokens }: Result): boolean {
  if (!promptTokens || cachedTokens === undefined) return false;
  return cachedTokens / promptTokens < (REFUTED_BELOW * matchedBytes) / promptBytes;
}

/** Fills `blocks` from a prompt, which another thread may have hashed. */
function blocksOf(prompt: Hints['prompt'], blocks: Blocks): Blocks {
  if (prompt === undefined || prompt instanceof Uint8Array) return blocks.hash(prompt ?? NO_PROMPT);
  return blocks.take(prompt.length, prompt.hashes ?? NO_HASHES);
}
