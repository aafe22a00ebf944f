/**
 * What a request in flight costs the next one, in prompt tokens: its share of the decode steps that a prefill waits for.
 * On simulated engines anything from 96 to 200 did as well, with answers of 32 and of 256 tokens: not worth learning.
 */
const REQUEST_TOKENS = 128;
/**
 * Weight of a wasted token on idle workers: beyond its own time it takes room in a cache and stalls answers under way. With 1
 * a hundred prompts of 3,000 tokens × 5 questions, 16 a second, hit 62.6 % on 8 simulated engines; with this 65.1 % of a
 * possible 66.7 %, at the same first-token times.
 */
const LEAST_PRESSURE = 1.5;
/** Weight of a wasted token when nearly every worker is busy: beyond it one group of prompts would never spread. */
const MOST_PRESSURE = 8;
/** Weight of the newest choice in the average share of busy workers. */
const PRESSURE_DECAY = 0.05;

/** What is known of one worker at the moment of a choice. */
export interface Prospect {
  /** Uncached tokens, by prediction, of its requests that wait for their first byte. */
  readonly pendingTokens: number;
  /** Requests waiting there for their first byte. */
  readonly waiting: number;
  /** Tokens of this prompt that the worker would have to compute. */
  readonly uncachedTokens: number;
  readonly inFlight: number;
  /** Prefill speed relative to the fastest worker, above 0, at most 1. */
  readonly speed: number;
}

/** How busy the fleet was at the last choices, which decides what computing a prefix once more costs. */
export class Pressure {
  #busy = 0;

  /** Tells how large a share of the workers has requests waiting for their first byte. */
  observe(share: number): void {
    this.#busy += (share - this.#busy) * PRESSURE_DECAY;
  }

  /** 0 when the workers were idle at the last choices, 1 when all were busy. */
  get busy(): number {
    return this.#busy;
  }

  /** What one wasted token costs: least with idle workers, more the fewer there are. */
  get weight(): number {
    return Math.min(MOST_PRESSURE, LEAST_PRESSURE / (1 - this.#busy));
  }
}

/**
 * Prompt tokens, at the speed of the fastest worker, that sending the request there costs it and those after it: what it
 * waits for; its own tokens; the decode steps of those in flight; and the wait of those that find the worker busy (by Little's law
 * about as many arrive during its wait as wait now). They wait for `leastTokens`, what the request computes on the best of all workers,
 * wherever it goes, so only what it computes beyond that counts. Counted whole, long prompts gathered where few requests waited and short
 * ones elsewhere: of 500 different prompts at once one of four engines got twice the tokens of another, and the end came 8 % later.
 */
export function expectedCost(prospect: Prospect, weight: number, leastTokens: number): number {
  const { pendingTokens, waiting, uncachedTokens, inFlight, speed } = prospect;
  const ownTokens = weight * uncachedTokens;
  const othersTokens = waiting * (uncachedTokens - leastTokens);
  return (pendingTokens + ownTokens + othersTokens + REQUEST_TOKENS * inFlight) / speed;
}
