import { mix, type Tokens } from './tokens.ts';

/** A page of KV memory whose tokens are known by the hash of them and all before them. */
interface Page {
  readonly key: number;
  /** Requests that use it; without any it is idle and may be evicted. */
  users: number;
  older: Page | undefined;
  newer: Page | undefined;
}

/** Pages of the pool by what they hold. */
interface PoolUse {
  readonly freePages: number;
  /** Cached, used by nobody: evicted, least recently used first, when room is needed. */
  readonly idlePages: number;
  /** Cached and used by at least one request. */
  readonly sharedPages: number;
}

/** The KV memory of an engine: a pool of pages, the full ones kept for later requests with the same prefix. */
export class PrefixCache {
  readonly pageSize: number;
  readonly totalPages: number;
  readonly #pages = new Map<number, Page>();
  #free: number;
  #idle = 0;
  #oldest: Page | undefined;
  #newest: Page | undefined;

  constructor(totalTokens: number, pageSize: number) {
    this.pageSize = pageSize;
    this.totalPages = Math.floor(totalTokens / pageSize);
    this.#free = this.totalPages;
  }

  /**
   * Room for `prompt` and `outputTokens` more, with the longest cached prefix taken over; undefined while other requests
   * hold too much. At least one prompt token is always left to compute, as its logits give the first output token.
   */
  lease(prompt: Tokens, outputTokens: number, salt = 0): Lease | undefined {
    const hits = this.match(prompt, salt);
    const idleHits = hits.reduce((sum, page) => sum + (page.users === 0 ? 1 : 0), 0);
    const needed = Math.ceil((prompt.length + outputTokens) / this.pageSize) - hits.length;
    if (this.#free + this.#idle - idleHits < needed) return undefined;
    for (const page of hits) this.#use(page);
    while (this.#free < needed) this.#evict();
    this.#free -= needed;
    return new Lease(this, salt, [...hits], needed);
  }

  /** The cached pages that `prompt` starts with; at least one token is left over. */
  match(prompt: Tokens, salt = 0): readonly Page[] {
    const chain = new HashChain(this.pageSize, salt);
    const hits: Page[] = [];
    const most = Math.floor((prompt.length - 1) / this.pageSize);
    while (hits.length < most) {
      const page = this.#pages.get(chain.advance(prompt));
      if (page === undefined) break;
      hits.push(page);
    }
    return hits;
  }

  /** Forgets every idle page. */
  clear(): void {
    while (this.#oldest) this.#evict();
  }

  get use(): PoolUse {
    return { freePages: this.#free, idlePages: this.#idle, sharedPages: this.#pages.size - this.#idle };
  }

  /** Makes a page that a request has filled known. Where another request had filled the same, ours is free again. */
  keep(key: number, held: Page[]): void {
    let page = this.#pages.get(key);
    if (page === undefined) {
      page = { key, users: 1, older: undefined, newer: undefined };
      this.#pages.set(key, page);
    } else {
      this.#free++;
      this.#use(page);
    }
    held.push(page);
  }

  /** Takes back what a request held. */
  giveBack(held: readonly Page[], ownPages: number): void {
    this.#free += ownPages;
    // From the end, so that a page is always older than the one before it and is evicted first.
    for (let i = held.length - 1; i >= 0; i--) this.#disuse(held[i] as Page);
  }

  #use(page: Page): void {
    if (page.users++ === 0) this.#unlink(page);
  }

  #disuse(page: Page): void {
    if (--page.users > 0) return;
    this.#idle++;
    page.older = this.#newest;
    if (this.#newest) this.#newest.newer = page;
    else this.#oldest = page;
    this.#newest = page;
  }

  #unlink(page: Page): void {
    this.#idle--;
    if (page.older) page.older.newer = page.newer;
    else this.#oldest = page.newer;
    if (page.newer) page.newer.older = page.older;
    else this.#newest = page.older;
    page.older = page.newer = undefined;
  }

  #evict(): void {
    const page = this.#oldest as Page;
    this.#unlink(page);
    this.#pages.delete(page.key);
    this.#free++;
  }
}

/** The pages of one request. */
export class Lease {
  /** Prompt tokens that need not be computed. */
  readonly cachedTokens: number;
  readonly #cache: PrefixCache;
  readonly #chain: HashChain;
  readonly #held: Page[];
  #ownPages: number;

  constructor(cache: PrefixCache, salt: number, held: Page[], ownPages: number) {
    this.#cache = cache;
    this.#held = held;
    this.#ownPages = ownPages;
    this.cachedTokens = held.length * cache.pageSize;
    const last = held.at(-1);
    this.#chain = new HashChain(cache.pageSize, salt, last?.key, held.length);
  }

  /** Pages shared with whoever has the same prefix. */
  get sharedPages(): number {
    return this.#held.length;
  }

  /** Says that the first `computed` of `tokens` are in memory: their full pages can now be shared. */
  commit(tokens: Tokens, computed: number): void {
    const full = Math.floor(computed / this.#cache.pageSize);
    while (this.#held.length < full) {
      this.#ownPages--;
      this.#cache.keep(this.#chain.advance(tokens), this.#held);
    }
  }

  /** Gives everything back; what was committed stays in the cache until the room is needed. */
  release(): void {
    this.#cache.giveBack(this.#held, this.#ownPages);
    this.#held.length = 0;
    this.#ownPages = 0;
  }
}

const HIGH_HALF = 0x20_0000;

/** Hashes of a token sequence page by page, each over all tokens up to its end: 53 bits, so that a Map takes them as numbers. */
class HashChain {
  readonly #pageSize: number;
  #page: number;
  #a: number;
  #b: number;

  constructor(pageSize: number, salt: number, key?: number, page = 0) {
    this.#pageSize = pageSize;
    this.#page = page;
    this.#a = key === undefined ? salt | 0 : Math.floor(key / HIGH_HALF) | 0;
    this.#b = key === undefined ? ~salt : key % HIGH_HALF;
  }

  /** The hash of the next page of `tokens`. */
  advance(tokens: Tokens): number {
    const start = this.#page++ * this.#pageSize;
    let a = this.#a;
    let b = this.#b;
    for (let i = start; i < start + this.#pageSize; i++) {
      const token = tokens[i] as number;
      a = mix(a, token);
      a ^= a >>> 15;
      b = Math.imul(b + token, 0x9e3779b1);
      b ^= b >>> 13;
    }
    this.#a = a;
    // A key can be taken up again later, so no more is kept than the key has.
    this.#b = (b >>> 0) % HIGH_HALF;
    return (this.#a >>> 0) * HIGH_HALF + this.#b;
  }
}
