import type { Histogram } from './series.ts';

/** The gaps between the chunks of one streamed answer: a clock reading and a few additions each. */
export class StreamPace {
  readonly #gaps: Histogram;
  #lastMs = Number.NaN;

  constructor(gaps: Histogram) {
    this.#gaps = gaps;
  }

  /** So many chunks have come at once; `nowMs` where the caller has read the clock anyway. */
  chunk(nowMs: number = performance.now(), count = 1): void {
    const gapMs = nowMs - this.#lastMs;
    this.#lastMs = nowMs;
    if (gapMs >= 0) this.#gaps.observe(gapMs / 1000);
    for (let further = 1; further < count; further++) this.#gaps.observe(0);
  }
}
