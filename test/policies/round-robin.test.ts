import assert from 'node:assert/strict';
import { test } from 'node:test';
import { RoundRobinPolicy } from '../../src/policies/round-robin.ts';
import { NO_HINTS, workersOf } from '../helpers/candidates.ts';
import { policyContract } from './contract.ts';

policyContract('round_robin', () => new RoundRobinPolicy());

test('round_robin: takes the workers in order, again and again', () => {
  const policy = new RoundRobinPolicy();
  const candidates = workersOf(3);
  const picks = Array.from({ length: 7 }, () => policy.pick(candidates, NO_HINTS).candidate.slot);
  assert.deepEqual(picks, [0, 1, 2, 0, 1, 2, 0]);
});
