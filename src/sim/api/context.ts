import type { Rendezvous } from '../disaggregation/rendezvous.ts';
import type { EngineClock } from '../engine-clock.ts';
import type { HttpCounts } from '../http-counts.ts';
import type { SimOptions } from '../options.ts';
import type { Rank } from '../rank.ts';
import type { ResponseStore } from './response-store.ts';

/** What every endpoint may use. */
export interface SimContext {
  readonly options: SimOptions;
  /** At least one. */
  readonly ranks: readonly Rank[];
  /** Whose turn it is where a request names no rank. */
  readonly turns: { next: number };
  /** Where a prefill server meets decode servers. */
  readonly rendezvous: Rendezvous | undefined;
  /** The port of that. */
  readonly bootstrapPort: () => number;
  readonly responses: ResponseStore;
  readonly counts: HttpCounts;
  readonly clock: EngineClock;
  /** 32 hexadecimal digits, new each time. */
  readonly newId: () => string;
  /** The words after the program's name, for /server_info. */
  readonly commandLine: string;
  /** True once warm. */
  readonly ready: () => boolean;
}

/** The name that clients know the model by. */
export function servedName({ options }: SimContext): string {
  return options.servedModelName ?? options.modelPath;
}

/** Seconds since 1970, whole, as OpenAI answers carry them. */
export function createdSecs({ clock }: SimContext): number {
  return Math.floor(clock.epochMs() / 1000);
}
