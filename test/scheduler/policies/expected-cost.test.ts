import assert from 'node:assert/strict';
import { test } from 'node:test';
import { expectedCost, Pressure, type Prospect } from '../../../src/scheduler/policies/expected-cost.ts';

const IDLE: Prospect = { pendingTokens: 0, waiting: 0, uncachedTokens: 1000, inFlight: 0, speed: 1 };
const cost = (change: Partial<Prospect>, weight = 1, leastTokens = 0) =>
  expectedCost({ ...IDLE, ...change }, weight, leastTokens);

test('each thing that makes a request wait, or others for it, costs', () => {
  assert.ok(cost({ pendingTokens: 500 }) > cost({}));
  assert.ok(cost({ waiting: 2 }) > cost({}));
  assert.ok(cost({ uncachedTokens: 1100 }) > cost({}));
  assert.ok(cost({ inFlight: 1 }) > cost({}));
  assert.ok(cost({ speed: 0.5 }) === 2 * cost({}));
});

test('with everything cached there, nobody waits for this prompt', () => {
  assert.equal(cost({ uncachedTokens: 0, waiting: 50 }), 0);
});

test('what every worker would have to compute delays nobody more on one than on another', () => {
  assert.equal(cost({ waiting: 50 }, 1, 1000), cost({}, 1, 1000));
  assert.ok(cost({ waiting: 50, uncachedTokens: 1100 }, 1, 1000) > cost({ uncachedTokens: 1100 }, 1, 1000));
});

test('waste weighs more the busier the workers are, within bounds', () => {
  const pressure = new Pressure();
  const idle = pressure.weight;
  assert.ok(idle >= 1);
  for (let i = 0; i < 200; i++) pressure.observe(0.5);
  assert.ok(Math.abs(pressure.weight - 2 * idle) < 0.01);
  for (let i = 0; i < 200; i++) pressure.observe(1);
  assert.equal(pressure.weight, 8);
  for (let i = 0; i < 200; i++) pressure.observe(0);
  assert.ok(Math.abs(pressure.weight - idle) < 0.01);
});
