import { PrefixCache } from './cache.ts';
import { Engine } from './engine.ts';
import { type EngineClock, stoppedClock } from './engine-clock.ts';
import type { SimOptions } from './options.ts';
import type { Rank } from './rank.ts';
import { EngineStats } from './stats.ts';

/** Engine `index` of a server with these options. */
export function createRank(options: SimOptions, index: number, clock: EngineClock): Rank {
  const stats = new EngineStats();
  const cache = new PrefixCache(options.maxTotalTokens, options.pageSize);
  const settings = {
    cost: options,
    chunkTokens: options.chunkedPrefillSize > 0 ? options.chunkedPrefillSize : Number.POSITIVE_INFINITY,
    maxRunning: options.maxRunningRequests,
    maxQueued: options.maxQueuedRequests ?? Number.POSITIVE_INFINITY,
    mixedChunk: options.enableMixedChunk,
  };
  const own = index === options.silentRank ? stoppedClock(clock) : clock;
  return { index, engine: new Engine(settings, cache, own, stats), stats };
}
