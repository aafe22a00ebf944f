/** A choice as other routers are told of it: what they need to count it, and to know whose cache has the prompt from then on. */
export interface SharedChoice {
  /** The URL of the worker or rank. */
  readonly url: string;
  readonly promptBytes: number;
  /** The chained hashes of the prompt's blocks: all low halves, then all high halves. */
  readonly hashes: Int32Array;
  /** Depths, in blocks, at which the prompt counts for `Popularity`. */
  readonly depths: readonly number[];
  /** Tokens that the worker has to compute for it, by prediction. */
  readonly uncachedTokens: number;
  /** The router will tell of its first byte. */
  readonly streams: boolean;
  /** Hash of its session's key; undefined without one. */
  readonly session: number | undefined;
}

/** Tells other routers of the choices that are made here. */
export interface ChoiceTeller {
  /** Whether another router listens. */
  readonly isHeard: boolean;
  /** Tells a choice; returns the number by which it is referred to later. */
  chosen(choice: SharedChoice): number;
  /** The choice's first byte has come. */
  computed(number: number): void;
  /** The choice has ended; the worker computed `surplusTokens` more than predicted. */
  settled(number: number, surplusTokens: number): void;
}
