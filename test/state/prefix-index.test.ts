import assert from 'node:assert/strict';
import { test } from 'node:test';
import { BLOCK_BYTES, Blocks } from '../../src/state/blocks.ts';
import { PrefixIndex } from '../../src/state/prefix-index.ts';
import { seededRandom } from '../helpers/seeded-random.ts';

/** A prompt made of one block a letter, and what does not fill a block. */
const promptOf = (letters: string, tail = '') =>
  Buffer.from([...letters].map((letter) => letter.repeat(BLOCK_BYTES)).join('') + tail);
const blocksOf = (letters: string, tail = '') => new Blocks().hash(promptOf(letters, tail));

function match(index: PrefixIndex, letters: string, slots: readonly number[], tail = ''): number[] {
  const out: number[] = [];
  index.match(blocksOf(letters, tail), slots, out);
  return out;
}

/** The same by its description alone: per worker the prefixes it has, least recently used first. */
class Reference {
  readonly #maxEntries: number;
  readonly #held = new Map<number, Map<string, number>>();
  readonly #capacity = new Map<number, number>();
  #stamp = 0;

  constructor(maxEntries: number) {
    this.#maxEntries = maxEntries;
  }

  of(slot: number): Map<string, number> {
    if (!this.#held.has(slot)) this.#held.set(slot, new Map());
    return this.#held.get(slot)!;
  }

  get size(): number {
    return [...this.#held.values()].reduce((sum, { size }) => sum + size, 0);
  }

  match(letters: string, slots: readonly number[]): number[] {
    return slots.map((slot) => {
      let depth = 0;
      while (depth < letters.length && this.of(slot).has(letters.slice(0, depth + 1))) depth++;
      return depth;
    });
  }

  insert(letters: string, slot: number): number {
    this.#stamp++;
    const held = this.of(slot);
    for (let i = Math.min(letters.length, this.#capacity.get(slot) ?? 1e9); i > 0; i--) {
      held.delete(letters.slice(0, i));
      held.set(letters.slice(0, i), this.#stamp);
    }
    this.#shrink(slot);
    this.#dropTo(this.#maxEntries * 1.125);
    return this.#stamp;
  }

  setCapacity(slot: number, blocks: number): void {
    this.#capacity.set(slot, blocks);
    this.#shrink(slot);
  }

  forget(slot: number): void {
    this.#held.delete(slot);
    this.#capacity.delete(slot);
  }

  forgetUnusedSince(slot: number, stamp: number): void {
    for (const [prefix, used] of this.of(slot)) if (used <= stamp) this.of(slot).delete(prefix);
  }

  evict(): void {
    this.#dropTo(this.#maxEntries);
  }

  #shrink(slot: number): void {
    const held = this.of(slot);
    for (const prefix of held.keys()) if (held.size > (this.#capacity.get(slot) ?? 1e9)) held.delete(prefix);
  }

  #dropTo(size: number): void {
    while (this.size > size) {
      const oldest = [...this.#held]
        .filter(([, held]) => held.size > 0)
        .sort(([a, x], [b, y]) => [...x.values()][0]! - [...y.values()][0]! || a - b)[0]!;
      oldest[1].delete([...oldest[1].keys()][0]!);
    }
  }
}

const SLOTS = [0, 1, 2, 3, 7, 40];

for (const seed of [1, 2, 3, 4]) {
  test(`does what a plain reference does, 4,000 random steps from seed ${seed}`, () => {
    const random = seededRandom(seed);
    const below = (n: number) => Math.floor(random() * n);
    const index = new PrefixIndex(160);
    const reference = new Reference(160);
    const stamps: [number, number][] = [];
    // Used again and again while the index changes under what they remember of it.
    const kept = new Map<string, Blocks>();
    for (let step = 0; step < 4000; step++) {
      const letters = Array.from({ length: below(9) }, () => 'abc'[below(3)]).join('');
      const slot = SLOTS[below(SLOTS.length)]!;
      const action = below(100);
      if (action < 60) {
        const blocks = kept.get(letters) ?? blocksOf(letters);
        kept.set(letters, blocks);
        if (action < 30) index.match(blocks, SLOTS, []);
        stamps.push([index.insert(blocks, slot), reference.insert(letters, slot)]);
      } else if (action < 64) {
        const capacity = 1 + below(60);
        index.setCapacity(slot, capacity);
        reference.setCapacity(slot, capacity);
      } else if (action < 66) {
        index.forget(slot);
        reference.forget(slot);
      } else if (action < 70 && stamps.length > 0) {
        const [stamp, same] = stamps[Math.max(0, stamps.length - 1 - below(40))]!;
        index.forgetUnusedSince(slot, stamp);
        reference.forgetUnusedSince(slot, same);
      } else if (action < 72) {
        index.evict();
        reference.evict();
      }
      assert.equal(index.size, reference.size, `size after step ${step}`);
      assert.deepEqual(match(index, letters, SLOTS), reference.match(letters, SLOTS), `${letters} after step ${step}`);
      for (const one of SLOTS) assert.equal(index.held(one), reference.of(one).size);
    }
  });
}

test('a prompt matches as far as it begins alike', () => {
  const index = new PrefixIndex(1000);
  index.insert(blocksOf('abcd'), 0);
  index.insert(blocksOf('abx'), 1);
  assert.deepEqual(match(index, 'abcz', [0, 1, 2]), [3, 2, 0]);
  assert.deepEqual(match(index, 'xabcd', [0, 1, 2]), [0, 0, 0]);
});

test('a repeated prompt matches to its end, though that fills no block', () => {
  const index = new PrefixIndex(1000);
  index.insert(blocksOf('a', 'the end'), 3);
  assert.deepEqual(match(index, 'a', [3], 'the end'), [2]);
  assert.deepEqual(match(index, 'a', [3], 'the end.'), [1]);
  assert.deepEqual(match(index, 'a', [3], 'the end\0'), [1]);
});

test('the same block after another beginning is another block', () => {
  const index = new PrefixIndex(1000);
  index.insert(blocksOf('ab'), 0);
  assert.deepEqual(match(index, 'bb', [0]), [0]);
});

test('a prompt longer than the cache is held up to where it fills it', () => {
  const index = new PrefixIndex(1000);
  index.setCapacity(0, 3);
  index.insert(blocksOf('abcdef'), 0);
  assert.deepEqual(match(index, 'abcdef', [0]), [3]);
});

test('it is told when the worker used a prefix last', () => {
  const index = new PrefixIndex(1000);
  const first = index.insert(blocksOf('ab'), 0);
  index.insert(blocksOf('x'), 0);
  assert.equal(index.lastUse(blocksOf('abc'), 0, 2), first);
  assert.equal(index.lastUse(blocksOf('abc'), 0, 3), undefined);
  assert.equal(index.lastUse(blocksOf('abc'), 1, 2), undefined);
});

test('blocks looked up before others were added are looked up again', () => {
  const index = new PrefixIndex(1000);
  const early = blocksOf('abc');
  index.match(early, [0], []);
  index.insert(blocksOf('abc'), 0);
  index.insert(early, 0);
  assert.equal(index.size, 3);
});

test('every one of many prompts is found however far the tables have grown', () => {
  const index = new PrefixIndex(1_000_000);
  const blocks = new Blocks();
  const prompt = promptOf('ab');
  const found: number[] = [];
  for (let i = 0; i < 5000; i++) {
    prompt.writeUInt32LE(i);
    index.insert(blocks.hash(prompt), i % 4);
  }
  for (let i = 0; i < 5000; i++) {
    prompt.writeUInt32LE(i);
    index.match(blocks.hash(prompt), [i % 4, (i + 1) % 4], found);
    assert.deepEqual(found, [2, 0]);
  }
});

test('a hundred thousand distinct prompts take no more memory than the size allows', () => {
  const index = new PrefixIndex(10_000);
  const blocks = new Blocks();
  const prompt = promptOf('abcd');
  for (let i = 0; i < 100_000; i++) {
    prompt.writeUInt32LE(i);
    index.insert(blocks.hash(prompt), i % 8);
  }
  assert.ok(index.size <= 11_250, `${index.size} entries`);
  assert.ok(index.bytes < 2 ** 20, `${index.bytes} bytes`);
  assert.equal(index.evict(), true);
  assert.ok(index.size <= 10_000);
});
