import assert from 'node:assert/strict';
import { test } from 'node:test';
import { TokenBucket } from '../../src/scheduler/token-bucket.ts';
import { seededRandom } from '../helpers/seeded-random.ts';

test('a second’s worth at once, then one after the other', () => {
  let nowMs = 0;
  const bucket = new TokenBucket(4, () => nowMs);
  assert.deepEqual(
    [1, 2, 3, 4, 5].map(() => bucket.take()),
    [true, true, true, true, false],
  );
  assert.equal(bucket.waitMs, 250);
  nowMs += 250;
  assert.equal(bucket.waitMs, 0);
  assert.deepEqual([bucket.take(), bucket.take()], [true, false]);
  nowMs += 60_000;
  assert.deepEqual(
    [1, 2, 3, 4, 5].map(() => bucket.take()),
    [true, true, true, true, false],
  );
});

test('over any time no more than the rate allows, and all of it when there is demand', () => {
  for (let seed = 1; seed <= 50; seed++) {
    const random = seededRandom(seed);
    let nowMs = 0;
    const bucket = new TokenBucket(20, () => nowMs);
    let taken = 0;
    while (nowMs < 60_000) {
      nowMs += random() * 20;
      while (bucket.take()) taken++;
      assert.ok(taken <= 20 + (nowMs / 1_000) * 20 + 1e-6, `seed ${seed}`);
    }
    assert.ok(taken >= 1_199, `seed ${seed}: ${taken}`);
  }
});
