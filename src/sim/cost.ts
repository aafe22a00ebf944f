/** What work costs on the simulated GPU. The defaults are those of SMG's mock engine, so that results can be compared. */
export interface CostModel {
  /** Uncached prompt tokens computed in a second. */
  readonly prefillTokensPerSec: number;
  /** What a step that computes prompts takes beside its tokens. */
  readonly prefillBaseMs: number;
  /** What 1,000 tokens that stand before them in the cache add to such a step. */
  readonly prefillCachedMs: number;
  /** Time of a decode step with nothing in it. */
  readonly decodeBaseMs: number;
  /** What each running request adds to a decode step. */
  readonly decodePerRunningMs: number;
  /** Multiplies every time: 3 is an engine three times as slow. */
  readonly slowFactor: number;
}

/** Milliseconds of a step that computes `tokens` uncached prompt tokens behind `cachedTokens`; none, no time. */
export function prefillMs(model: CostModel, tokens: number, cachedTokens: number): number {
  if (tokens === 0) return 0;
  const computingMs = (tokens / model.prefillTokensPerSec) * 1000;
  const readingMs = (cachedTokens / 1000) * model.prefillCachedMs;
  return (model.prefillBaseMs + computingMs + readingMs) * model.slowFactor;
}

/** Milliseconds of one decode step, which gives each of `running` requests one token. */
export function decodeMs(model: CostModel, running: number): number {
  return (model.decodeBaseMs + model.decodePerRunningMs * running) * model.slowFactor;
}
