import assert from 'node:assert/strict';
import { test } from 'node:test';
import { PrefillRate } from '../../../src/scheduler/policies/prefill-rate.ts';

/** A worker that computed so many prompts at this rate. */
function rateOf(tokensPerSec: number, prompts = 20): PrefillRate {
  const rate = new PrefillRate();
  for (let i = 0; i < prompts; i++) rate.learn(1000, 1000 + 100 * i, ((1000 + 100 * i) / tokensPerSec) * 1000);
  return rate;
}

test('learns the rate from prompts and their first bytes', () => {
  assert.ok(Math.abs(rateOf(8000).tokensPerSec! - 8000) < 1);
  assert.ok(Math.abs(rateOf(8000).msFor(16_000) - 2000) < 1);
});

test('knows nothing after a few, or after tiny ones', () => {
  assert.equal(rateOf(8000, 3).tokensPerSec, undefined);
  const tiny = new PrefillRate();
  for (let i = 0; i < 50; i++) tiny.learn(10, 10_000, 100);
  assert.equal(tiny.tokensPerSec, undefined);
});

test('follows a worker that becomes slower', () => {
  const rate = rateOf(9000);
  for (let i = 0; i < 60; i++) rate.learn(1000, 1000, 1000 / 3);
  assert.ok(Math.abs(rate.tokensPerSec! - 3000) < 100);
});

test('about as fast counts as fast, unknown too, and nobody counts as standing still', () => {
  assert.equal(rateOf(7000).relativeTo(8000), 1);
  assert.ok(Math.abs(rateOf(2000).relativeTo(8000) - 0.25) < 0.01);
  assert.equal(rateOf(10).relativeTo(8000), 0.1);
  assert.equal(new PrefillRate().relativeTo(8000), 1);
  assert.equal(new PrefillRate().relativeTo(0), 1);
});
