/** A choice as other routers are told of it: what they need to count it, and to know whose cache has the prompt from then on. */
export interface SharedChoice {
  /** Of the worker, or of its rank. */
  readonly url: string;
  readonly promptBytes: number;
  /** The chained hashes of the prompt's blocks: all low halves, then all high halves. */
  readonly hashes: Int32Array;
  /** Blocks of those of its beginnings whose users are counted. */
  readonly depths: readonly number[];
  /** Tokens that the worker has to compute for it, by prediction. */
  readonly uncachedTokens: number;
  /** Its first byte will be told. */
  readonly streams: boolean;
  /** Hash of its session's key; undefined without one. */
  readonly session: number | undefined;
}

/** Tells other routers of the choices that are made here. */
export interface ChoiceTeller {
  /** Another router listens. */
  readonly isHeard: boolean;
  /** Returns the number by which the rest is told of it. */
  chosen(choice: SharedChoice): number;
  /** Its first byte has come. */
  computed(number: number): void;
  /** It is over; the worker computed so many tokens more than predicted. */
  settled(number: number, surplusTokens: number): void;
}
