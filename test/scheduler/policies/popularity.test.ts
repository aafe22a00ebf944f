import assert from 'node:assert/strict';
import { test } from 'node:test';
import { BLOCK_BYTES, Blocks } from '../../../src/scheduler/index/blocks.ts';
import { depthsOf, Popularity } from '../../../src/scheduler/policies/popularity.ts';

/** Four blocks, the first two the same in all. */
const promptOf = (n: number) =>
  new Blocks().hash(Buffer.from('common'.padEnd(2 * BLOCK_BYTES) + `number ${n}`.padEnd(2 * BLOCK_BYTES)));
const COMMON = [2];

/** So many requests of the common beginning in flight; returns what each gives back. */
function inFlight(popularity: Popularity, count: number) {
  return Array.from({ length: count }, (_, n) => popularity.join(promptOf(n), COMMON));
}

test('a beginning deserves the share of the workers that it has of the requests in flight', () => {
  const popularity = new Popularity();
  inFlight(popularity, 16);
  const held = (copies: number) => Array.from({ length: 8 }, (_, worker) => (worker < copies ? 2 : 0));
  const next = (copies: number, all: number) => popularity.nextCopy(promptOf(99), held(copies), COMMON, all);
  assert.equal(next(1, 32).depth, 2);
  assert.equal(next(3, 32).depth, 2);
  assert.equal(next(4, 32).depth, 0);
  assert.equal(next(7, 16).depth, 2);
  assert.equal(next(8, 16).depth, 0);
});

test('the fewer copies, the more requests share one', () => {
  const popularity = new Popularity();
  inFlight(popularity, 16);
  const sharers = (held: number[]) => popularity.nextCopy(promptOf(99), held, COMMON, 16).sharers;
  assert.ok(sharers([2, 0, 0, 0]) > sharers([2, 2, 0, 0]));
  assert.ok(sharers([2, 2, 2, 0]) > 1);
});

test('the longest beginning that is popular counts', () => {
  const popularity = new Popularity();
  const prompt = promptOf(1);
  for (let i = 0; i < 8; i++) popularity.join(prompt, [2, 4]);
  assert.equal(popularity.nextCopy(prompt, [4, 2, 0, 0], [2, 4], 8).depth, 4);
  assert.equal(popularity.nextCopy(promptOf(2), [2, 2, 0, 0], [2], 8).depth, 2);
});

test('requests that are over do not count', () => {
  const popularity = new Popularity();
  for (const prefixes of inFlight(popularity, 16)) popularity.leave(prefixes);
  assert.deepEqual(popularity.nextCopy(promptOf(99), [2, 0], COMMON, 1), { depth: 0, sharers: 1 });
});

test('the depths to which workers hold a prompt, each once, the shallowest eight', () => {
  assert.deepEqual(depthsOf([0, 0]), []);
  assert.deepEqual(depthsOf([5, 0, 2, 5, 9, 2]), [2, 5, 9]);
  assert.deepEqual(depthsOf([12, 11, 10, 9, 8, 7, 6, 5, 4, 3, 3, 4]), [3, 4, 5, 6, 7, 8, 9, 10]);
});
