import type { Engine } from './engine.ts';
import type { EngineStats } from './stats.ts';

/** One of the engines of a server, each with its own queue and cache; a server has as many as `--dp-size` says. */
export interface Rank {
  readonly index: number;
  readonly engine: Engine;
  readonly stats: EngineStats;
}
