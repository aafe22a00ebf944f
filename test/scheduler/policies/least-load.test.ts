import assert from 'node:assert/strict';
import { test } from 'node:test';
import { LeastLoadPolicy } from '../../../src/scheduler/policies/least-load.ts';
import { NO_HINTS, type TestWorker, workersOf } from '../../helpers/candidates.ts';
import { policyContract } from './contract.ts';

policyContract('least_load', () => new LeastLoadPolicy());

const slotOf = (policy: LeastLoadPolicy, candidates: readonly TestWorker[]) =>
  policy.pick(candidates, NO_HINTS).candidate.slot;

test('least_load: the one with the fewest requests in flight', () => {
  const policy = new LeastLoadPolicy();
  const candidates = workersOf(4);
  for (const [slot, load] of [3, 1, 0, 2].entries()) candidates[slot]!.load = load;
  for (let n = 0; n < 5; n++) assert.equal(slotOf(policy, candidates), 2);
});

test('least_load: among equals the one that was picked longest ago', () => {
  const policy = new LeastLoadPolicy();
  const candidates = workersOf(3);
  const picks = Array.from({ length: 6 }, () => slotOf(policy, candidates));
  assert.deepEqual(picks, [0, 1, 2, 0, 1, 2]);
  candidates[0]!.load = 1;
  assert.deepEqual([slotOf(policy, candidates), slotOf(policy, candidates)], [1, 2]);
  candidates[0]!.load = 0;
  assert.equal(slotOf(policy, candidates), 0);
});

test('least_load: keeps the loads of all workers within one of each other', () => {
  const policy = new LeastLoadPolicy();
  const candidates = workersOf(7);
  for (let n = 0; n < 100; n++) {
    policy.pick(candidates, NO_HINTS).candidate.load++;
    const loads = candidates.map(({ load }) => load);
    assert.ok(Math.max(...loads) - Math.min(...loads) <= 1);
  }
});

test('least_load: requests that others sent count as well', () => {
  const policy = new LeastLoadPolicy(() => 0);
  const candidates = workersOf(3);
  for (const [slot, running] of [4, 1, 6].entries()) {
    policy.learned(candidates[slot]!, { runningRequests: running, waitingRequests: 1 });
  }
  assert.equal(slotOf(policy, candidates), 1);
});

test('least_load: of equal counts the fuller KV cache is the greater load', () => {
  const policy = new LeastLoadPolicy(() => 0);
  const candidates = workersOf(2);
  for (const [slot, usedTokens] of [9_000, 2_000].entries()) {
    const facts = { runningRequests: 0, waitingRequests: 0, usedTokens, kvCapacityTokens: 10_000 };
    policy.learned(candidates[slot]!, facts);
  }
  for (let n = 0; n < 4; n++) assert.equal(slotOf(policy, candidates), 1);
});

test('least_load: a worker without a report is taken for as busy as the others, not for idle', () => {
  const policy = new LeastLoadPolicy(() => 0);
  const candidates = workersOf(3);
  policy.learned(candidates[0]!, { runningRequests: 5, waitingRequests: 0 });
  policy.learned(candidates[1]!, { runningRequests: 7, waitingRequests: 0 });
  const { scores } = policy.pick(candidates, NO_HINTS, true);
  assert.deepEqual(
    scores!.map(({ reported }) => reported),
    [5, 7, 'nothing'],
  );
  for (let n = 0; n < 4; n++) assert.equal(slotOf(policy, candidates), 0);
  candidates[0]!.load = 2;
  assert.equal(slotOf(policy, candidates), 2);
});
