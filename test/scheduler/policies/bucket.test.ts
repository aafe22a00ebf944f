import assert from 'node:assert/strict';
import { test } from 'node:test';
import { BucketPolicy } from '../../../src/scheduler/policies/bucket.ts';
import { asking, type TestWorker, workersOf } from '../../helpers/candidates.ts';
import { seededRandom } from '../../helpers/seeded-random.ts';
import { policyContract } from './contract.ts';

const bucket = (balanceAbsThreshold = 32) =>
  new BucketPolicy(
    { bucketAdjustIntervalMs: 5_000, balanceAbsThreshold, balanceRelThreshold: 1.0001 },
    seededRandom(1),
    () => 0,
  );

policyContract('bucket', bucket);

const ofLength = (length: number) => asking('x'.repeat(length));
const slotOf = (policy: BucketPolicy, candidates: readonly TestWorker[], length: number) =>
  policy.pick(candidates, ofLength(length)).candidate.slot;

test('bucket: short prompts and long ones go to different workers', () => {
  const policy = bucket();
  const candidates = workersOf(4);
  for (let turn = 0; turn < 5; turn++) {
    assert.deepEqual(
      [100, 1_500, 2_500, 9_000].map((length) => slotOf(policy, candidates, length)),
      [0, 1, 2, 3],
    );
  }
});

test('bucket: when one worker has much more to do, the one with the fewest bytes is asked', () => {
  const policy = bucket(4);
  const candidates = workersOf(4);
  const reasons = Array.from({ length: 8 }, () => policy.pick(candidates, ofLength(100)).reason);
  assert.deepEqual(reasons, [...new Array<string>(5).fill('length'), ...new Array<string>(3).fill('imbalanced')]);
});

for (const [how, end] of [
  ['its first byte', (policy: BucketPolicy, choice: never) => policy.firstByte(choice)],
  ['an end without one', (policy: BucketPolicy, choice: never) => policy.settled(choice)],
] as const) {
  test(`bucket: a prompt weighs until ${how}`, () => {
    const policy = bucket(0);
    const candidates = workersOf(2);
    const choice = policy.pick(candidates, ofLength(100));
    assert.equal(choice.candidate.slot, 0);
    assert.equal(policy.pick(candidates, ofLength(50)).candidate.slot, 1);
    end(policy, choice as never);
    assert.equal(slotOf(policy, candidates, 10), 0);
  });
}

test('bucket: nothing is left of requests that are over', () => {
  const policy = bucket();
  const candidates = workersOf(3);
  const random = seededRandom(3);
  for (let n = 0; n < 300; n++) {
    const choice = policy.pick(candidates, ofLength(Math.floor(random() * 8_000)));
    if (random() < 0.5) policy.firstByte(choice);
    policy.settled(choice);
  }
  const { scores } = policy.pick(candidates, ofLength(1), true);
  assert.deepEqual(
    scores!.map((row) => row.pendingBytes),
    [0, 0, 0],
  );
});
