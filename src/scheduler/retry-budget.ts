/** Retries that are always allowed to be under way. */
const RESERVE = 32;
/** What each request adds. */
const PER_REQUEST = 0.1;
/** Retries saved up at most, the reserve included. */
const MOST_SAVED = 200;

/**
 * Bounds the retries of all requests together, so that a fleet that fails sees little more than its load. A retry that ends
 * well costs nothing: what is bounded is how many are under way or were in vain.
 */
export class RetryBudget {
  /** Retries under way or in vain, less what requests have added. */
  #spent = 0;

  /** A request came. */
  add(): void {
    this.#spent = Math.max(this.#spent - PER_REQUEST, RESERVE - MOST_SAVED);
  }

  /** Takes the place of one retry; false when there is none. All that are in flight may try again once together: a worker died. */
  take(inFlight: number): boolean {
    if (this.#spent + 1 > Math.max(RESERVE, inFlight)) return false;
    this.#spent++;
    return true;
  }

  /** So many retries were not in vain. */
  giveBack(retries: number): void {
    this.#spent = Math.max(this.#spent - retries, RESERVE - MOST_SAVED);
  }
}
