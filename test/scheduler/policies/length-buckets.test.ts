import assert from 'node:assert/strict';
import { test } from 'node:test';
import { LengthBuckets } from '../../../src/scheduler/policies/length-buckets.ts';
import { seededRandom } from '../../helpers/seeded-random.ts';

const INTERVAL_MS = 5_000;

function setup() {
  const clock = { ms: 0 };
  return { clock, buckets: new LengthBuckets(INTERVAL_MS, () => clock.ms) };
}

test('until prompts have been seen, 4096 bytes are shared out and the last bucket takes all above', () => {
  const { buckets } = setup();
  const firsts = [0, 1_023, 1_025, 3_000, 4_000, 5_000, 1e9].map((length) => buckets.rangeOf(length, 4)[0]);
  assert.deepEqual(firsts, [0, 0, 1, 2, 3, 3, 3]);
});

test('the bounds move only once an interval', () => {
  const { clock, buckets } = setup();
  assert.deepEqual(buckets.rangeOf(100, 2), [0, 0]);
  for (const length of [10, 20, 1_000]) buckets.add(length);
  clock.ms = INTERVAL_MS - 1;
  assert.deepEqual(buckets.rangeOf(1_500, 2), [0, 0]);
  clock.ms = INTERVAL_MS;
  assert.deepEqual(buckets.rangeOf(1_500, 2), [1, 1]);
});

test('another number of buckets is cut at once', () => {
  const { buckets } = setup();
  buckets.rangeOf(1, 2);
  for (let length = 1; length <= 100; length++) buckets.add(length);
  assert.deepEqual(buckets.rangeOf(99, 4), [3, 3]);
  assert.deepEqual(buckets.rangeOf(99, 1), [0, 0]);
});

test('each bucket gets about the same share of all bytes', () => {
  const { clock, buckets } = setup();
  const random = seededRandom(1);
  const lengths = Array.from({ length: 1_000 }, () => Math.floor(100 + 20_000 * random() ** 3));
  for (const length of lengths) buckets.add(length);
  clock.ms = INTERVAL_MS;
  const bytes = new Array<number>(8).fill(0);
  for (const length of lengths) bytes[buckets.rangeOf(length, 8)[0]]! += length;
  const mean = bytes.reduce((sum, value) => sum + value) / 8;
  for (const value of bytes) assert.ok(Math.abs(value - mean) < 0.05 * mean, `${value}, mean ${mean}`);
});

test('longer prompts never get an earlier bucket', () => {
  const { buckets } = setup();
  const random = seededRandom(2);
  for (let n = 0; n < 3_000; n++) buckets.add(Math.floor(random() * 50));
  let before: readonly [number, number] = [0, 0];
  for (let length = 0; length < 60; length++) {
    const range = buckets.rangeOf(length, 5);
    assert.ok(range[0] >= before[0] && range[1] >= before[1] && range[0] <= range[1]);
    before = range;
  }
});

test('a length that most prompts have belongs to all the buckets it fills', () => {
  const { buckets } = setup();
  for (let n = 0; n < 500; n++) buckets.add(2_048);
  assert.deepEqual(buckets.rangeOf(2_048, 4), [0, 3]);
  assert.deepEqual(buckets.rangeOf(2_047, 4), [0, 0]);
  assert.deepEqual(buckets.rangeOf(2_049, 4), [3, 3]);
});

test('the mean is of the latest prompts, and at least 1', () => {
  const { buckets } = setup();
  assert.equal(buckets.mean, 1);
  buckets.add(10);
  buckets.add(20);
  assert.equal(buckets.mean, 15);
  for (let n = 0; n < 2_000; n++) buckets.add(7);
  assert.equal(buckets.mean, 7);
});
