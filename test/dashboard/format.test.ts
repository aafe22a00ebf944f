import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  address,
  count,
  duration,
  hits,
  percent,
  percentiles,
  span,
  standing,
  windowName,
} from '../../src/dashboard/format.ts';

test('counts', () => {
  const texts = [null, 0, 0.123, 3.14, 9.96, 42, 99.96, 999.4, 1_000, 1_234, 435_000, 999_600, 12_300_000].map(count);
  assert.deepEqual(texts, ['–', '0', '0.12', '3.1', '10', '42', '100', '999', '1k', '1.2k', '435k', '1M', '12M']);
});

test('durations', () => {
  const texts = [null, 0, 8.34, 42.4, 999.4, 999.6, 1_350, 9_996, 59_900, 125_000].map(duration);
  assert.deepEqual(texts, [
    '–',
    '0.0 ms',
    '8.3 ms',
    '42 ms',
    '999 ms',
    '1.00 s',
    '1.35 s',
    '10.0 s',
    '59.9 s',
    '2 m 5 s',
  ]);
});

test('spans, shares, pairs and names', () => {
  assert.deepEqual([41.9, 312, 11_045, 200_000].map(span), ['41 s', '5 m 12 s', '3 h 4 m', '2 d 7 h']);
  assert.deepEqual([null, 0, 0.834, 1].map(percent), ['–', '0%', '83%', '100%']);
  assert.equal(percentiles({ p50: 41, p99: 230 }), '41/230 ms');
  assert.equal(percentiles({ p50: 350, p99: 4_880 }), '0.35/4.9 s');
  assert.equal(percentiles({ p50: null, p99: null }), '–');
  assert.equal(hits({ predicted: 0.8, actual: 0.756 }), '80/76%');
  assert.equal(hits(null), '–');
  assert.equal(address('http://127.0.0.1:31000'), '127.0.0.1:31000');
  assert.equal(address('https://a'), 'https://a');
  assert.equal(windowName(60, 3_000), 'last 60 s');
  assert.equal(windowName(3_000, 3_000), 'since start');
});

test('a worker that is ready and gets no requests does not look ready', () => {
  assert.equal(standing({ state: 'ready', available: true }), 'ready');
  assert.equal(standing({ state: 'ready', available: false }), 'unhealthy');
  assert.equal(standing({ state: 'draining', available: false }), 'draining');
});
