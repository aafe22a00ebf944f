import { hashKey } from '../index/hash.ts';
import type { Candidate, Now } from './policy.ts';

/** Keys remembered at once, some 27 MB; past that the longest unused are forgotten, idle or not. */
const MAX_KEYS = 2 ** 17;
/** Most keys forgotten at once, so that no request waits for a large clean-up. */
const BATCH = 1024;

export interface StickyOptions {
  /** A key unused for so long is forgotten. */
  readonly maxIdleMs: number;
  readonly maxKeys?: number;
}

/** A remembered key, in a chain by the time of its last use: a Map alone is slow to find its oldest entry once many were deleted. */
interface Entry {
  readonly id: number;
  /** The one or two workers of the key, the older first. */
  urls: readonly string[];
  /** Where its requests go now: the worker for which the key counts. */
  current: string;
  usedMs: number;
  older: Entry;
  newer: Entry;
}

/** Remembers the worker of each key in use. Keys are kept as hashes, as clients choose their length; two that collide share a worker. */
export class StickyKeys {
  readonly #now: Now;
  readonly #maxIdleMs: number;
  readonly #maxKeys: number;
  readonly #entries = new Map<number, Entry>();
  /** The sentinel of the chain: next to it are the oldest and the newest entry. */
  readonly #ends: Entry = createEntry(0, '');
  readonly #keysOn = new Map<string, number>();

  constructor(options: StickyOptions, now: Now) {
    this.#now = now;
    this.#maxIdleMs = options.maxIdleMs;
    this.#maxKeys = options.maxKeys ?? MAX_KEYS;
  }

  /** Keys remembered. */
  get size(): number {
    return this.#entries.size;
  }

  /** Keys whose requests go to this worker. */
  keysOn({ url }: Pick<Candidate, 'url'>): number {
    return this.#keysOn.get(url) ?? 0;
  }

  /** The key's worker, the older one first; undefined where none of its workers is among the candidates. */
  recall<C extends Candidate>(key: string, candidates: readonly C[]): C | undefined {
    const entry = this.#entries.get(hashKey(key));
    if (!entry) return undefined;
    if (this.#idle(entry)) {
      this.#remove(entry);
      return undefined;
    }
    for (const url of entry.urls) {
      const candidate = candidates.find((one) => one.url === url);
      if (!candidate) continue;
      this.#use(entry, url);
      return candidate;
    }
    return undefined;
  }

  /** Gives the key this worker; of those it had before, the last stays remembered. */
  assign(key: string, { url }: Candidate): void {
    const id = hashKey(key);
    let entry = this.#entries.get(id);
    if (entry) entry.urls = [entry.urls.at(-1) as string, url];
    else {
      entry = createEntry(id, url);
      this.#entries.set(id, entry);
      this.#count(url, 1);
    }
    this.#use(entry, url);
    this.forget();
  }

  /** Forgets keys that are idle or too many; called with every new key, so that it keeps pace. */
  forget(): void {
    for (let left = BATCH; left > 0; left--) {
      const oldest = this.#ends.newer;
      if (oldest === this.#ends || (!this.#idle(oldest) && this.#entries.size <= this.#maxKeys)) return;
      this.#remove(oldest);
    }
  }

  #use(entry: Entry, url: string): void {
    if (entry.current !== url) {
      this.#count(entry.current, -1);
      this.#count(url, 1);
      entry.current = url;
    }
    entry.usedMs = this.#now();
    unlink(entry);
    link(entry, this.#ends.older, this.#ends);
  }

  #remove(entry: Entry): void {
    unlink(entry);
    this.#entries.delete(entry.id);
    this.#count(entry.current, -1);
  }

  #count(url: string, by: number): void {
    const count = (this.#keysOn.get(url) ?? 0) + by;
    if (count > 0) this.#keysOn.set(url, count);
    else this.#keysOn.delete(url);
  }

  #idle(entry: Entry): boolean {
    return this.#now() - entry.usedMs > this.#maxIdleMs;
  }
}

function createEntry(id: number, url: string): Entry {
  const entry = { id, urls: [url], current: url, usedMs: 0 } as unknown as Entry;
  entry.older = entry;
  entry.newer = entry;
  return entry;
}

function link(entry: Entry, older: Entry, newer: Entry): void {
  entry.older = older;
  entry.newer = newer;
  older.newer = entry;
  newer.older = entry;
}

function unlink({ older, newer }: Entry): void {
  older.newer = newer;
  newer.older = older;
}
