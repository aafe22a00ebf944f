const STEP = 0x6d2b79f5;

/** Random numbers that are the same in every run with the same seed. */
export class Random {
  #state: number;

  constructor(seed: number) {
    this.#state = seed >>> 0;
    // Neighbouring seeds begin alike; a few steps drive them apart.
    for (let i = 0; i < 4; i++) this.next();
  }

  /** Uniform in [0, 1). */
  next(): number {
    this.#state = (this.#state + STEP) | 0;
    let t = Math.imul(this.#state ^ (this.#state >>> 15), this.#state | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  }

  /** Leaves out so many numbers. */
  skip(count: number): void {
    this.#state = (this.#state + Math.imul(count, STEP)) | 0;
  }

  /** A whole number in [0, below). */
  below(below: number): number {
    return Math.floor(this.next() * below);
  }

  /** Exponential with this mean: the gap between arrivals of a Poisson process. */
  exponential(mean: number): number {
    return -mean * Math.log(1 - this.next());
  }

  /** Lognormal, by its median and the standard deviation of its logarithm. */
  lognormal(median: number, sigma: number): number {
    const normal = Math.sqrt(-2 * Math.log(1 - this.next())) * Math.cos(2 * Math.PI * this.next());
    return median * Math.exp(sigma * normal);
  }

  /** A rank in [0, count) by Zipf's law with exponent 1: rank 0 twice as often as rank 1. */
  zipf(count: number): number {
    let total = 0;
    for (let rank = 1; rank <= count; rank++) total += 1 / rank;
    let at = this.next() * total;
    for (let rank = 1; rank < count; rank++) {
      at -= 1 / rank;
      if (at < 0) return rank - 1;
    }
    return count - 1;
  }

  /** The items in a new order, each order equally likely. */
  shuffled<T>(items: readonly T[]): T[] {
    const result = [...items];
    for (let i = result.length - 1; i > 0; i--) {
      const j = this.below(i + 1);
      [result[i], result[j]] = [result[j] as T, result[i] as T];
    }
    return result;
  }
}
