import type { Outcome } from '../../data/outcome.ts';
import type { Asked } from '../leg.ts';
import type { Target } from '../target.ts';

/** One attempt at a request, and who took part in it. */
export interface Attempt {
  readonly outcome: Outcome;
  readonly targets: readonly Target[];
}

/** How a request is brought to workers. Retries, admission and errors know nothing of how many it takes. */
export interface Plan {
  /** Whether there is anybody to ask: at all, or for a model. */
  isReady(model?: string): boolean;
  /** Whether there is somebody to ask who has not been asked yet. */
  hasUntried(asked: Asked): boolean;
  /** Asks once, whom it asked before only when nobody else is left. While `isReady` it rejects with a RouterError only, for a request that nobody can serve. */
  attempt(asked: Asked): Promise<Attempt>;
}
