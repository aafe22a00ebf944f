/** Retries that are always allowed to be under way. */
const RESERVE = 32;
/** Share of a retry that each request adds. */
const PER_REQUEST = 0.1;
/** Most retries saved up, the reserve included. */
const MOST_SAVED = 200;

/**
 * Bounds the retries of all requests together, so that a fleet that fails sees little more than its load. A retry that ends
 * well costs nothing: what is bounded is how many are under way or were in vain.
 */
export class RetryBudget {
  /** Retries under way or in vain, less what requests have added. */
  #spent = 0;

  /** Adds the share of a new request. */
  add(): void {
    this.#spent = Math.max(this.#spent - PER_REQUEST, RESERVE - MOST_SAVED);
  }

  /** Takes one retry; false when none is left. All requests in flight may retry once together, as when a worker dies. */
  take(inFlight: number): boolean {
    if (this.#spent + 1 > Math.max(RESERVE, inFlight)) return false;
    this.#spent++;
    return true;
  }

  /** Gives back retries that ended well. */
  giveBack(retries: number): void {
    this.#spent = Math.max(this.#spent - retries, RESERVE - MOST_SAVED);
  }
}
