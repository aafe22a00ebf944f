import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type Distribution, nothing, quantile, read, since, together } from '../../src/dashboard/distribution.ts';
import { Histogram } from '../../src/observe/metrics/series.ts';

function histogram(...values: readonly number[]): Distribution {
  const series = new Histogram([1, 2, 4]);
  for (const value of values) series.observe(value);
  return read(series, undefined);
}

test('without observations there is no quantile', () => {
  assert.equal(quantile(histogram(), 0.5), undefined);
});

test('observations count as spread evenly over their bucket', () => {
  assert.equal(quantile(histogram(1.5, 1.5), 0.5), 1.5);
  assert.equal(quantile(histogram(0.5, 0.5, 3, 3), 0.5), 1);
  assert.equal(quantile(histogram(0.5, 0.5, 3, 3), 0.75), 3);
  assert.equal(quantile(histogram(0.5), 0.99), 0.99);
});

test('above all bounds the last one is told', () => {
  assert.equal(quantile(histogram(100, 200), 0.5), 4);
});

test('what has not changed is the same object, and nothing has come since', () => {
  const series = new Histogram([1, 2, 4]);
  series.observe(3);
  const first = read(series, undefined);
  assert.equal(read(series, first), first);
  assert.equal(since(first, first), nothing(first.bounds));
  series.observe(0);
  const second = read(series, first);
  assert.deepEqual(since(second, first).counts, [1, 0, 0, 0]);
  assert.deepEqual(together(first.bounds, [first, second]).counts, [1, 0, 2, 0]);
});
