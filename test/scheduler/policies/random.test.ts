import assert from 'node:assert/strict';
import { test } from 'node:test';
import { RandomPolicy } from '../../../src/scheduler/policies/random.ts';
import { NO_HINTS, workersOf } from '../../helpers/candidates.ts';
import { policyContract } from './contract.ts';

policyContract('random', () => new RandomPolicy());

test('random: the ends of the random range are the first and the last worker', () => {
  const candidates = workersOf(3);
  assert.equal(new RandomPolicy(() => 0).pick(candidates, NO_HINTS).candidate, candidates[0]);
  assert.equal(new RandomPolicy(() => 1 - Number.EPSILON).pick(candidates, NO_HINTS).candidate, candidates[2]);
});
