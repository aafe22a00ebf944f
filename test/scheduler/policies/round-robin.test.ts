import assert from 'node:assert/strict';
import { test } from 'node:test';
import { RoundRobinPolicy } from '../../../src/scheduler/policies/round-robin.ts';
import { NO_HINTS, workersOf } from '../../helpers/candidates.ts';
import { policyContract } from './contract.ts';

policyContract('round_robin', () => new RoundRobinPolicy());

test('round_robin: takes the workers in order, again and again', () => {
  const policy = new RoundRobinPolicy();
  const candidates = workersOf(3);
  const picks = Array.from({ length: 7 }, () => policy.pick(candidates, NO_HINTS).candidate.slot);
  assert.deepEqual(picks, [0, 1, 2, 0, 1, 2, 0]);
});

test('round_robin: workers of two models that are asked in turn all have their turn', () => {
  const policy = new RoundRobinPolicy();
  const [a0, a1, b0, b1] = workersOf(4);
  const picks = Array.from({ length: 8 }, (_, i) => policy.pick(i % 2 === 0 ? [a0!, a1!] : [b0!, b1!], NO_HINTS));
  assert.deepEqual(
    picks.map(({ candidate }) => candidate.slot),
    [0, 2, 1, 3, 0, 2, 1, 3],
  );
});
