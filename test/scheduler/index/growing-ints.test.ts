import assert from 'node:assert/strict';
import { test } from 'node:test';
import { GrowingInts } from '../../../src/scheduler/index/growing-ints.ts';

test('what is in it stays in its place as it grows', () => {
  const ints = new GrowingInts();
  for (let i = 0; i < 200_000; i++) {
    ints.reserve(i + 1);
    assert.equal(ints.get(i), 0);
    ints.set(i, -i);
  }
  for (let i = 0; i < 200_000; i++) assert.equal(ints.get(i), 0 - i);
  assert.ok(ints.length >= 200_000 && ints.bytes === 4 * ints.length);
});
