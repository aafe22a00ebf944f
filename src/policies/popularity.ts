/** Choices over which a prefix's share of the requests is averaged. */
const HORIZON = 64;
/** Prefixes remembered at once; the least popular half is forgotten when there are more. */
const MOST_PREFIXES = 1024;

interface Entry {
  share: number;
  /** Number of the request that used it last. */
  last: number;
}

/** Which share of the recent requests used a prefix; only the prefixes of many requests are told well, and only they matter. */
export class Popularity {
  readonly #entries = new Map<number, Entry>();
  #requests = 0;

  /** One more request, with whichever prefixes `observe` is told of next. */
  next(): void {
    this.#requests++;
  }

  /** The request has this prefix. Returns the prefix's share of the requests, this one included. */
  observe(prefix: number): number {
    const entry = this.#entries.get(prefix);
    if (!entry) {
      this.#entries.set(prefix, { share: 1 / HORIZON, last: this.#requests });
      if (this.#entries.size > MOST_PREFIXES) this.#forget();
      return 1 / HORIZON;
    }
    entry.share = this.#faded(entry) + 1 / HORIZON;
    entry.last = this.#requests;
    return entry.share;
  }

  #faded({ share, last }: Entry): number {
    return share * (1 - 1 / HORIZON) ** (this.#requests - last);
  }

  #forget(): void {
    const byShare = [...this.#entries].sort(([, a], [, b]) => this.#faded(a) - this.#faded(b));
    for (const [prefix] of byShare.slice(0, MOST_PREFIXES / 2)) this.#entries.delete(prefix);
  }
}
