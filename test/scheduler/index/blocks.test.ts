import assert from 'node:assert/strict';
import { test } from 'node:test';
import { BLOCK_BYTES, Blocks } from '../../../src/scheduler/index/blocks.ts';
import { seededRandom } from '../../helpers/seeded-random.ts';

const hashes = (blocks: Blocks) => Array.from({ length: blocks.count }, (_, i) => `${blocks.lo[i]}:${blocks.hi[i]}`);

function randomBytes(length: number, seed: number): Buffer {
  const random = seededRandom(seed);
  return Buffer.from(Array.from({ length }, () => Math.floor(random() * 256)));
}

test('the hashes depend on the bytes alone, not on where they lie in memory', () => {
  const bytes = randomBytes(200_000, 1);
  const expected = hashes(new Blocks().hash(bytes));
  for (const offset of [1, 2, 3, 5]) {
    const moved = Buffer.alloc(bytes.length + offset);
    bytes.copy(moved, offset);
    assert.deepEqual(hashes(new Blocks().hash(moved.subarray(offset))), expected);
  }
});

test('one object serves prompts of any length in any order', () => {
  const used = new Blocks();
  for (const length of [70_000, 0, 1, 255, 256, 257, 300_000, 12]) {
    const bytes = randomBytes(length, length);
    assert.deepEqual(hashes(used.hash(bytes)), hashes(new Blocks().hash(bytes)));
    assert.equal(used.count, Math.ceil(length / BLOCK_BYTES));
    assert.equal(used.bytesIn(used.count), length);
  }
});

test('a changed byte changes its block and all after it, none before', () => {
  const bytes = randomBytes(20 * BLOCK_BYTES, 7);
  const before = hashes(new Blocks().hash(bytes));
  for (const at of [0, 3, 5 * BLOCK_BYTES + 17, 19 * BLOCK_BYTES + 255]) {
    const changed = Buffer.from(bytes);
    changed[at] = changed[at]! ^ 1;
    const after = hashes(new Blocks().hash(changed));
    const block = Math.floor(at / BLOCK_BYTES);
    assert.deepEqual(after.slice(0, block), before.slice(0, block));
    for (let i = block; i < 20; i++) assert.notEqual(after[i], before[i]);
  }
});

test('a hundred thousand blocks have as many hashes, also in half their bits', () => {
  const blocks = new Blocks();
  const seen = new Set<string>();
  const low = new Set<number>();
  const prompt = Buffer.alloc(BLOCK_BYTES, 'same words again and again ');
  for (let i = 0; i < 100_000; i++) {
    prompt.write(String(i).padStart(6, '0'), i % 200);
    blocks.hash(prompt);
    seen.add(`${blocks.lo[0]}:${blocks.hi[0]}`);
    low.add(blocks.lo[0]! & 0xffff);
  }
  assert.ok(seen.size > 99_000);
  assert.ok(low.size > 50_000, `${low.size} of 65,536 buckets`);
});
