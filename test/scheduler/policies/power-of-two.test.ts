import assert from 'node:assert/strict';
import { test } from 'node:test';
import { PowerOfTwoPolicy } from '../../../src/scheduler/policies/power-of-two.ts';
import { NO_HINTS, workersOf } from '../../helpers/candidates.ts';
import { seededRandom } from '../../helpers/seeded-random.ts';
import { policyContract } from './contract.ts';

policyContract('power_of_two', () => new PowerOfTwoPolicy());

const pickOf = (policy: PowerOfTwoPolicy, candidates: ReturnType<typeof workersOf>) =>
  policy.pick(candidates, NO_HINTS).candidate;

test('power_of_two: of two workers always the one with fewer requests in flight', () => {
  const policy = new PowerOfTwoPolicy(seededRandom(1));
  const candidates = workersOf(2);
  candidates[0]!.load = 3;
  candidates[1]!.load = 2;
  for (let n = 0; n < 100; n++) assert.equal(pickOf(policy, candidates), candidates[1]);
});

test('power_of_two: the busiest of many is never picked', () => {
  const policy = new PowerOfTwoPolicy(seededRandom(2));
  const candidates = workersOf(5);
  candidates[3]!.load = 10;
  for (let n = 0; n < 500; n++) assert.notEqual(pickOf(policy, candidates), candidates[3]);
});

test('power_of_two: every pair of different workers is drawn', () => {
  const candidates = workersOf(4);
  const policy = new PowerOfTwoPolicy(seededRandom(3));
  const pairs = new Set<string>();
  for (let n = 0; n < 500; n++) {
    const names = policy.pick(candidates, NO_HINTS, true).scores!.map(({ worker }) => String(worker));
    assert.equal(new Set(names).size, 2);
    pairs.add(names.sort().join());
  }
  assert.equal(pairs.size, 6);
});

test('power_of_two: requests that others sent count as well', () => {
  const policy = new PowerOfTwoPolicy(seededRandom(4), () => 0);
  const candidates = workersOf(2);
  candidates[1]!.load = 4;
  policy.learned(candidates[0]!, { runningRequests: 9, waitingRequests: 3 });
  policy.learned(candidates[1]!, { runningRequests: 4, waitingRequests: 0 });
  for (let n = 0; n < 100; n++) assert.equal(pickOf(policy, candidates), candidates[1]);
});

test('power_of_two: a worker without a report is judged by our own count, not read as idle', () => {
  const policy = new PowerOfTwoPolicy(seededRandom(5), () => 0);
  const candidates = workersOf(2);
  candidates[0]!.load = 2;
  candidates[1]!.load = 5;
  // Much work of others here, and silence there: the silent one may have just as much.
  policy.learned(candidates[0]!, { runningRequests: 2 + 20, waitingRequests: 0 });
  for (let n = 0; n < 100; n++) assert.equal(pickOf(policy, candidates), candidates[0]);
});
