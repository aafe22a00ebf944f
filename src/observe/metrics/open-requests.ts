/** Upper bounds in seconds, rising; those of 0.3.2. */
const AGE_SECS = [30, 60, 180, 300, 600, 1_200, 3_600, 7_200, 14_400, 28_800, 86_400];

/**
 * How many requests are on their way, and since when. Counts by the second in which they came: a list of the requests would keep them
 * past V8's cheap collections.
 */
export class OpenRequests {
  /** Of the seconds before the last: short requests are over before they would stand here. */
  readonly #earlier = new Map<number, number>();
  #second = 0;
  #ofSecond = 0;

  /** A request came at that time of `performance.now()`. */
  began(startedMs: number): void {
    const second = Math.floor(startedMs / 1000);
    if (second !== this.#second) this.#turn(second);
    this.#ofSecond++;
  }

  /** That request is over. */
  ended(startedMs: number): void {
    const second = Math.floor(startedMs / 1000);
    if (second === this.#second) {
      this.#ofSecond--;
      return;
    }
    const left = (this.#earlier.get(second) ?? 0) - 1;
    if (left > 0) this.#earlier.set(second, left);
    else this.#earlier.delete(second);
  }

  /** Requests by age: the labels `gt` and `le`, and how many. */
  *byAge(nowMs = performance.now()): Iterable<readonly [labels: readonly [gt: string, le: string], requests: number]> {
    const counts = new Array<number>(AGE_SECS.length + 1).fill(0);
    for (const [second, requests] of [...this.#earlier, [this.#second, this.#ofSecond] as const]) {
      const age = nowMs / 1000 - second;
      const bucket = AGE_SECS.findIndex((bound) => age <= bound);
      (counts[bucket < 0 ? AGE_SECS.length : bucket] as number) += requests;
    }
    for (const [bucket, requests] of counts.entries()) {
      yield [[String(AGE_SECS[bucket - 1] ?? 0), String(AGE_SECS[bucket] ?? '+Inf')], requests];
    }
  }

  #turn(second: number): void {
    if (this.#ofSecond > 0) this.#earlier.set(this.#second, this.#ofSecond);
    this.#second = second;
    this.#ofSecond = this.#earlier.get(second) ?? 0;
    this.#earlier.delete(second);
  }
}
