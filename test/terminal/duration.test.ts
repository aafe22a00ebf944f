import assert from 'node:assert/strict';
import { test } from 'node:test';
import { duration, roughly } from '../../src/terminal/duration.ts';

test('seconds, and minutes where there are many', () => {
  assert.deepEqual([0, 12_340, 99_999, 100_000, 3_725_000].map(duration), [
    ...['0.0 s', '12.3 s', '100.0 s', '1 min 40 s', '62 min 5 s'],
  ]);
  assert.deepEqual([400, 4_400, 41_000, 98_000, 200_000].map(roughly), ['0 s', '4 s', '40 s', '100 s', '3 min']);
});
