import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Estimate } from '../../../src/observe/traffic/estimate.ts';

test('until somebody tells it is the usual, then what was told', () => {
  const estimate = new Estimate(4);
  assert.equal(estimate.of(400), 100);
  estimate.learn(300_000, 100_000);
  assert.equal(estimate.of(300), 100);
});
