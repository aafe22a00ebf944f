import type { Now } from './policy.ts';

/** Number of latest prompts from which the bounds are computed. */
const SAMPLES = 1024;
/** Bytes that the buckets share evenly until a prompt has been seen, as in 0.3.2. */
const FIRST_SPAN = 4096;

/** Buckets by prompt length, bounded so that each gets the same share of all bytes. */
export class LengthBuckets {
  readonly #now: Now;
  readonly #intervalMs: number;
  /** Ring buffer of the latest lengths. */
  readonly #lengths = new Float64Array(SAMPLES);
  #seen = 0;
  #sum = 0;
  /** Where a bucket ends and the next begins, ascending: one less than there are buckets. */
  #bounds: readonly number[] = [];
  #count = 0;
  #cutAtMs = Number.NEGATIVE_INFINITY;

  constructor(intervalMs: number, now: Now) {
    this.#intervalMs = intervalMs;
    this.#now = now;
  }

  /** Mean of the latest lengths, at least 1. */
  get mean(): number {
    return Math.max(1, this.#sum / Math.max(1, Math.min(this.#seen, SAMPLES)));
  }

  add(length: number): void {
    const at = this.#seen++ % SAMPLES;
    this.#sum += length - (this.#lengths[at] as number);
    this.#lengths[at] = length;
  }

  /** The first and last of `count` buckets for this length; a very common length fills several. */
  rangeOf(length: number, count: number): readonly [number, number] {
    if (count !== this.#count || this.#now() - this.#cutAtMs >= this.#intervalMs) this.#cut(count);
    let first = 0;
    while (first < count - 1 && (this.#bounds[first] as number) < length) first++;
    let last = first;
    while (last < count - 1 && (this.#bounds[last] as number) === length) last++;
    return [first, last];
  }

  #cut(count: number): void {
    this.#count = count;
    this.#cutAtMs = this.#now();
    const lengths = this.#lengths.slice(0, Math.min(this.#seen, SAMPLES)).sort();
    if (lengths.length === 0) {
      this.#bounds = Array.from({ length: count - 1 }, (_, i) => ((i + 1) * FIRST_SPAN) / count);
      return;
    }
    const bounds: number[] = [];
    let before = 0;
    for (const length of lengths) {
      before += length;
      while (bounds.length < count - 1 && before >= ((bounds.length + 1) * this.#sum) / count) bounds.push(length);
    }
    this.#bounds = bounds;
  }
}
