import assert from 'node:assert/strict';
import { test } from 'node:test';
import { hotspot, quantile, spread } from '../../src/bench/statistics.ts';

test('quantiles lie between neighbours by proportion', () => {
  assert.equal(quantile([1, 2, 3, 4], 0), 1);
  assert.equal(quantile([1, 2, 3, 4], 0.5), 2.5);
  assert.equal(quantile([1, 2, 3, 4], 0.9), 3.7);
  assert.equal(quantile([1, 2, 3, 4], 1), 4);
  assert.equal(quantile([7], 0.99), 7);
  assert.ok(Number.isNaN(quantile([], 0.5)));
});

test('spread of 1 to 101 in any order', () => {
  const values = Array.from({ length: 101 }, (_, i) => ((i * 37) % 101) + 1);
  const { p50, p90, p99, mean } = spread(values);
  assert.deepEqual({ p50, p90, p99, mean }, { p50: 51, p90: 91, p99: 100, mean: 51 });
});

test('hotspot is 1 when even and the number of workers when one has all', () => {
  assert.equal(hotspot([5, 5, 5, 5]), 1);
  assert.equal(hotspot([0, 12, 0, 0]), 4);
  assert.equal(hotspot([3, 1]), 1.5);
});
