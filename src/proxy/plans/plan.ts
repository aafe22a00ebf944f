import type { Hints } from '../../policies/policy.ts';
import type { Exchange } from '../exchange.ts';
import type { Outcome } from '../outcome.ts';
import type { Tries } from '../retry.ts';
import type { Target } from '../target.ts';

/** One attempt at a request, and who took part in it. */
export interface Attempt {
  readonly outcome: Outcome;
  readonly targets: readonly Target[];
}

/** How a request is brought to workers. Retries, admission and errors know nothing of how many it takes. */
export interface Plan {
  /** Whether there is anybody to ask. */
  readonly ready: boolean;
  /** Whether there is somebody to ask who has not been asked yet. */
  hasUntried(tries: Tries): boolean;
  /** Asks once, whom it asked before only when nobody else is left; never rejects while `ready`. */
  attempt(exchange: Exchange, hints: Hints, tries: Tries): Promise<Attempt>;
}
