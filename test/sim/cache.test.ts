import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type Lease, PrefixCache } from '../../src/sim/cache.ts';
import { seededRandom } from '../helpers/seeded-random.ts';

const range = (length: number, start = 0) => Array.from({ length }, (_, i) => start + i);

/** Leases, computes and gives back a prompt; returns what was cached of it. */
function run(cache: PrefixCache, prompt: readonly number[], salt = 0): number {
  const lease = cache.lease(prompt, 0, salt);
  assert.ok(lease, 'expected room');
  lease.commit(prompt, prompt.length);
  lease.release();
  return lease.cachedTokens;
}

test('with pages of one token an exact repeat is cached but for its last token', () => {
  const cache = new PrefixCache(1000, 1);
  assert.equal(run(cache, range(782)), 0);
  assert.equal(run(cache, range(782)), 781);
});

test('only whole pages are shared', () => {
  const cache = new PrefixCache(1600, 16);
  assert.equal(run(cache, range(119)), 0);
  assert.equal(run(cache, range(119)), 112);
  assert.equal(run(cache, [...range(100), ...range(22, 5000)]), 96);
});

test('a prompt of whole pages leaves its last page to compute', () => {
  const cache = new PrefixCache(1600, 16);
  run(cache, range(112));
  assert.equal(run(cache, range(112)), 96);
});

test('the same tokens after another beginning are not a hit', () => {
  const cache = new PrefixCache(1600, 16);
  run(cache, range(64));
  assert.equal(run(cache, [...range(16, 900), ...range(48, 16)]), 0);
});

test('another salt never shares', () => {
  const cache = new PrefixCache(1600, 16);
  run(cache, range(64), 1);
  assert.equal(run(cache, range(64), 2), 0);
  assert.equal(run(cache, range(64), 1), 48);
});

test('there is no lease while others hold the room, and one once they give it back', () => {
  const cache = new PrefixCache(160, 16);
  const first = cache.lease(range(100), 20);
  assert.ok(first);
  assert.equal(cache.lease(range(100, 500), 20), undefined);
  first.release();
  assert.ok(cache.lease(range(100, 500), 20));
});

test('two requests that compute the same prefix at once hold it once', () => {
  const cache = new PrefixCache(160, 16);
  const prompt = range(64);
  const leases = [cache.lease(prompt, 0), cache.lease(prompt, 0)].filter((lease) => lease !== undefined);
  for (const lease of leases) lease.commit(prompt, prompt.length);
  assert.deepEqual(cache.use, { freePages: 6, idlePages: 0, sharedPages: 4 });
  for (const lease of leases) lease.release();
  assert.deepEqual(cache.use, { freePages: 6, idlePages: 4, sharedPages: 0 });
});

test('the least recently used is evicted first, ends of prompts before their beginnings', () => {
  const cache = new PrefixCache(160, 16);
  run(cache, range(64));
  run(cache, range(64, 1000));
  run(cache, range(64));
  run(cache, range(64, 2000));
  assert.equal(run(cache, range(64, 1000)) < 48, true);
  const pages = new PrefixCache(160, 16);
  run(pages, range(160));
  run(pages, range(32, 7000));
  assert.equal(run(pages, range(160)), 128);
});

test('clearing forgets what nobody uses', () => {
  const cache = new PrefixCache(160, 16);
  run(cache, range(64));
  cache.clear();
  assert.deepEqual(cache.use, { freePages: 10, idlePages: 0, sharedPages: 0 });
  assert.equal(run(cache, range(64)), 0);
});

/** The same by the plainest means: pages by their whole prefix as text, time stamps instead of a list. */
class PlainCache {
  readonly #pages = new Map<string, { users: number; usedAt: number }>();
  readonly #pageSize: number;
  readonly #total: number;
  #reserved = 0;
  #time = 0;

  constructor(total: number, pageSize: number) {
    this.#total = total;
    this.#pageSize = pageSize;
  }

  #keys(tokens: readonly number[]): string[] {
    const full = Math.floor(tokens.length / this.#pageSize);
    return range(full, 1).map((n) => tokens.slice(0, n * this.#pageSize).join());
  }

  lease(prompt: readonly number[], output: number) {
    const keys = this.#keys(prompt.slice(0, -1));
    const misses = keys.findIndex((key) => !this.#pages.has(key));
    const held = misses < 0 ? keys : keys.slice(0, misses);
    let own = Math.ceil((prompt.length + output) / this.#pageSize) - held.length;
    const idle = () => [...this.#pages].filter(([key, page]) => page.users === 0 && !held.includes(key));
    const free = () => this.#total - this.#reserved - this.#pages.size;
    if (free() + idle().length < own) return undefined;
    while (free() < own) {
      const [oldest] = idle().reduce((a, b) => (b[1].usedAt < a[1].usedAt ? b : a));
      this.#pages.delete(oldest);
    }
    for (const key of held) (this.#pages.get(key) as { users: number }).users++;
    this.#reserved += own;
    return {
      cachedTokens: held.length * this.#pageSize,
      commit: (tokens: readonly number[], computed: number) => {
        for (const key of this.#keys(tokens.slice(0, computed)).slice(held.length)) {
          own--;
          this.#reserved--;
          const page = this.#pages.get(key) ?? { users: 0, usedAt: 0 };
          page.users++;
          this.#pages.set(key, page);
          held.push(key);
        }
      },
      release: () => {
        this.#reserved -= own;
        for (const key of held.toReversed()) {
          const page = this.#pages.get(key) as { users: number; usedAt: number };
          page.users--;
          page.usedAt = ++this.#time;
        }
      },
    };
  }

  get use() {
    const idle = [...this.#pages.values()].filter((page) => page.users === 0).length;
    const free = this.#total - this.#reserved - this.#pages.size;
    return { freePages: free, idlePages: idle, sharedPages: this.#pages.size - idle };
  }
}

test('a random history leaves the cache as a plain one would have it', () => {
  for (let seed = 1; seed <= 40; seed++) {
    const random = seededRandom(seed);
    const pick = (n: number) => Math.floor(random() * n);
    const pageSize = [1, 4, 16][pick(3)] as number;
    const pages = 20 + pick(40);
    const cache = new PrefixCache(pages * pageSize, pageSize);
    const plain = new PlainCache(pages, pageSize);
    const open: { lease: Lease; twin: ReturnType<PlainCache['lease']> & {}; tokens: number[]; prompt: number }[] = [];
    for (let step = 0; step < 300; step++) {
      const where = `seed ${seed}, step ${step}`;
      if (random() < 0.5) {
        // Few different beginnings, so that prompts share prefixes of all lengths.
        const prompt = [...range(1 + pick(8 * pageSize), pick(3) * 1000), ...range(pick(2 * pageSize), 5000 + pick(4))];
        const output = pick(2 * pageSize);
        const lease = cache.lease(prompt, output);
        const twin = plain.lease(prompt, output);
        assert.equal(lease?.cachedTokens, twin?.cachedTokens, where);
        if (lease && twin)
          open.push({ lease, twin, tokens: [...prompt, ...range(output, 90_000)], prompt: prompt.length });
      } else if (open.length > 0) {
        const { lease, twin, tokens, prompt } = open.splice(pick(open.length), 1)[0] as (typeof open)[number];
        for (const computed of [pick(prompt + 1), prompt, tokens.length].filter((n) => n >= lease.cachedTokens)) {
          lease.commit(tokens, computed);
          twin.commit(tokens, computed);
        }
        lease.release();
        twin.release();
      }
      assert.deepEqual(cache.use, plain.use, where);
    }
  }
});
