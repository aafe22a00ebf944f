import assert from 'node:assert/strict';
import { test } from 'node:test';
import { BLOCK_BYTES, Blocks } from '../../../src/scheduler/index/blocks.ts';
import { PrefixIndex } from '../../../src/scheduler/index/prefix-index.ts';
import { seededRandom } from '../../helpers/seeded-random.ts';

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
        .sort(([a, x], [b, y]) => firstOf(x.values()) - firstOf(y.values()) || a - b)[0]!;
      oldest[1].delete(firstOf(oldest[1].keys()));
    }
  }
}

const firstOf = <T>(values: Iterator<T>): T => values.next().value as T;

/** What a random run does: prompts of up to `blocks` letters, steps after which all is compared. */
interface Run {
  readonly slots: readonly number[];
  readonly entries: number;
  readonly letters: string;
  readonly blocks: number;
  readonly compareEvery: number;
}

const SMALL: Run = { slots: [0, 1, 2, 3, 7, 40], entries: 160, letters: 'abc', blocks: 8, compareEvery: 1 };
/** Tables grow several times over, and slots reach to the last there is. */
const LARGE: Run = {
  slots: Array.from({ length: 65 }, (_, i) => i * 16 - (i === 64 ? 1 : 0)),
  entries: 20_000,
  letters: 'abcdefghij',
  blocks: 40,
  compareEvery: 100,
};
/** Longer, with seeds that are new each time: SOAK_SECS=600 node --test test/scheduler/index/prefix-index.test.ts */
const SOAK_SECS = Number(process.env.SOAK_SECS ?? 0);

/** Does the same random steps to an index and to the reference, and compares what they say. */
function compare({ slots, entries, letters: alphabet, blocks: most, compareEvery }: Run, seed: number, steps: number) {
  const random = seededRandom(seed);
  const below = (n: number) => Math.floor(random() * n);
  const index = new PrefixIndex(entries);
  const reference = new Reference(entries);
  const stamps: [number, number][] = [];
  let latest = '';
  const asked: string[] = new Array(200).fill('');
  // Used again and again while the index changes under what they remember of it.
  const kept = new Map<string, Blocks>();
  for (let step = 0; step < steps; step++) {
    const end = Array.from({ length: below(most + 1) }, () => alphabet[below(alphabet.length)]).join('');
    // Half of them go on where an earlier one was, many are the latest again: nothing may have come since, only gone.
    const earlier = random() < 0.5 ? asked[below(asked.length)]! : '';
    const next = (earlier.slice(0, below(earlier.length + 1)) + end).slice(0, most);
    const letters = random() < 0.3 ? latest : next;
    latest = letters;
    asked[below(200)] = letters;
    const slot = slots[below(slots.length)]!;
    const action = below(100);
    if (action < 60) {
      const blocks = kept.get(letters) ?? blocksOf(letters);
      if (kept.size === 1000) kept.clear();
      kept.set(letters, blocks);
      if (action < 30) index.match(blocks, slots, []);
      stamps.push([index.insert(blocks, slot), reference.insert(letters, slot)]);
    } else if (action < 64) {
      const capacity = 1 + below(entries / 3);
      index.setCapacity(slot, capacity);
      index.tidy();
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
    // Some of what is forgotten lies about while the next steps are done.
    if (random() < 0.5) index.tidy(below(20));
    assert.deepEqual(
      match(index, letters, slots),
      reference.match(letters, slots),
      `${letters}, seed ${seed}, step ${step}`,
    );
    if (step % compareEvery !== 0) continue;
    index.tidy();
    const where = `seed ${seed}, step ${step}`;
    assert.equal(index.size, reference.size, where);
    assert.deepEqual(match(index, letters, slots), reference.match(letters, slots), `${letters}, ${where}`);
    for (const one of slots) assert.equal(index.held(one), reference.of(one).size, where);
  }
  for (const slot of slots) index.forget(slot);
  assert.equal(index.tidy(), true);
  assert.equal(index.size, 0);
}

for (const seed of [1, 2, 3, 4]) {
  test(`does what a plain reference does, 4,000 random steps from seed ${seed}`, () => compare(SMALL, seed, 4000));
}

test('does what a plain reference does with many workers and long prompts', () => compare(LARGE, 5, 8000));

test('does so for long', { skip: SOAK_SECS === 0 && 'set SOAK_SECS' }, () => {
  const end = performance.now() + SOAK_SECS * 1000;
  for (let seed = Date.now() | 0; performance.now() < end; seed++) {
    compare(SMALL, seed, 10_000);
    compare(LARGE, seed, 10_000);
  }
});

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
  const uses: (number | undefined)[] = [undefined, undefined];
  index.match(blocksOf('abc'), [0, 1], [], uses as number[]);
  assert.deepEqual(uses, [first, undefined]);
});

test('blocks looked up before others were added are looked up again', () => {
  const index = new PrefixIndex(1000);
  const early = blocksOf('abc');
  index.match(early, [0], []);
  index.insert(blocksOf('abc'), 0);
  index.insert(early, 0);
  assert.equal(index.size, 3);
});

test('blocks looked up before they were dropped are looked up again', () => {
  const index = new PrefixIndex(1000);
  const early = blocksOf('abc');
  index.insert(early, 0);
  index.forget(0);
  index.insert(blocksOf('x'), 2);
  assert.deepEqual(match(index, 'abc', [0]), [0]);
  index.insert(early, 1);
  assert.deepEqual(match(index, 'abc', [0, 1, 2]), [0, 3, 0]);
  index.insert(early, 1);
  index.forget(1);
  index.insert(early, 2);
  assert.deepEqual(match(index, 'abc', [0, 1, 2]), [0, 0, 3]);
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
  assert.ok(index.bytes < 1.125 * 2 ** 20, `${index.bytes} bytes`);
  assert.equal(index.evict(), true);
  assert.ok(index.size <= 10_000);
});

test('what is forgotten does not count at once, and is dropped by and by', () => {
  const index = new PrefixIndex(1000);
  index.insert(blocksOf('abcdefgh'), 0);
  index.insert(blocksOf('ab'), 1);
  index.forget(0);
  assert.deepEqual([index.held(0), index.size], [0, 10]);
  assert.deepEqual(match(index, 'abcdefgh', [0, 1]), [0, 2]);
  assert.equal(index.tidy(3), false);
  assert.equal(index.size, 7);
  index.insert(blocksOf('abc'), 0);
  assert.equal(index.held(0), 3);
  assert.equal(index.tidy(), true);
  assert.equal(index.size, 5);
  assert.deepEqual(match(index, 'abcdefgh', [0, 1]), [3, 2]);
});

test('a worker in the place of one that is gone has nothing of it', () => {
  const index = new PrefixIndex(1000);
  index.insert(blocksOf('abcd'), 0);
  index.forget(0);
  index.setCapacity(0, 2);
  index.insert(blocksOf('xy'), 0);
  assert.deepEqual([match(index, 'abcd', [0]), match(index, 'xy', [0]), index.room(0)], [[0], [2], 0]);
});

test('room above a new capacity is made by and by', () => {
  const index = new PrefixIndex(1000);
  index.insert(blocksOf('abcdefgh'), 0);
  index.setCapacity(0, 3);
  assert.equal(index.tidy(2), false);
  assert.equal(index.held(0), 6);
  assert.equal(index.tidy(), true);
  assert.deepEqual(match(index, 'abcdefgh', [0]), [3]);
});

test('what is forgotten goes before anything else does', () => {
  const index = new PrefixIndex(8);
  index.insert(blocksOf('ab'), 0);
  index.insert(blocksOf('cdef'), 1);
  index.forget(1);
  index.insert(blocksOf('uvwxyz'), 2);
  assert.deepEqual(match(index, 'ab', [0]), [2]);
});
