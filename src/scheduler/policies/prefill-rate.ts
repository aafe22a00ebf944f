/** Smaller prompts say more about the engine's fixed costs than about its speed. */
const LEAST_TOKENS = 256;
/** Answers that a worker's rate needs before it counts. */
const LEAST_SAMPLES = 8;
/** Weight of the past against each new answer. */
const KEEP = 0.9;
/** Differences within this are noise: equal machines must count as equal. */
const EQUAL_ABOVE = 0.75;
/** However slow a worker seems, it is asked now and then. */
const SLOWEST = 0.1;
/** Assumed tokens per second of an unknown engine, used only to guess when a prompt is done. */
const GUESS = 5000;

/** How fast one worker computes prompts, learned from its queued tokens and its first-byte times. */
export class PrefillRate {
  #tokens = 0;
  #secs = 0;
  #samples = 0;

  /** A prompt of `uncachedTokens` got its first byte after `ms`, with `queuedTokens` to compute at the worker, its own included. */
  learn(uncachedTokens: number, queuedTokens: number, ms: number): void {
    if (uncachedTokens < LEAST_TOKENS || ms <= 0) return;
    this.#tokens = this.#tokens * KEEP + queuedTokens;
    this.#secs = this.#secs * KEEP + ms / 1000;
    this.#samples++;
  }

  /** Tokens a second; undefined while too little is known. */
  get tokensPerSec(): number | undefined {
    return this.#samples < LEAST_SAMPLES ? undefined : this.#tokens / this.#secs;
  }

  /** Milliseconds that so many tokens take, by what is known or a guess. */
  msFor(tokens: number): number {
    return (tokens / (this.tokensPerSec ?? GUESS)) * 1000;
  }

  /** Its speed relative to the fastest rate: 1 for all that are about as fast, or not known. */
  relativeTo(fastest: number): number {
    const share = (this.tokensPerSec ?? fastest) / fastest;
    return share > EQUAL_ABOVE || Number.isNaN(share) ? 1 : Math.max(SLOWEST, share);
  }
}
