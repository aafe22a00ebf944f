import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ConsistentHashingPolicy } from '../../../src/scheduler/policies/consistent-hashing.ts';
import { asking, NO_HINTS, workersOf } from '../../helpers/candidates.ts';
import { seededRandom } from '../../helpers/seeded-random.ts';
import { policyContract } from './contract.ts';

policyContract('consistent_hashing', () => new ConsistentHashingPolicy());

test('consistent_hashing: a session stays, whatever it asks and however busy its worker is', () => {
  const policy = new ConsistentHashingPolicy();
  const candidates = workersOf(8);
  for (let session = 0; session < 50; session++) {
    const { candidate } = policy.pick(candidates, asking('first', `s${session}`));
    candidate.load += 1_000;
    assert.equal(policy.pick(candidates, asking('second', `s${session}`)).candidate, candidate);
    assert.equal(policy.pick(candidates, { prompt: undefined, key: `s${session}` }).candidate, candidate);
  }
});

test('consistent_hashing: when a worker leaves, the sessions of the others stay', () => {
  const policy = new ConsistentHashingPolicy();
  const candidates = workersOf(8);
  for (let session = 0; session < 500; session++) {
    const hints = asking('', `s${session}`);
    const { candidate } = policy.pick(candidates, hints);
    const { candidate: after } = policy.pick(
      candidates.filter(({ slot }) => slot !== 3),
      hints,
    );
    if (candidate.slot !== 3) assert.equal(after, candidate);
  }
});

test('consistent_hashing: without a key the beginning of the prompt decides', () => {
  const policy = new ConsistentHashingPolicy();
  const candidates = workersOf(8);
  const shared = 'x'.repeat(1024);
  const picks = Array.from({ length: 20 }, (_, n) => policy.pick(candidates, asking(`${shared} and then ${n}`)));
  assert.equal(new Set(picks.map(({ candidate }) => candidate)).size, 1);
  assert.equal(picks[0]!.reason, 'prompt');
});

test('consistent_hashing: with neither, any worker', () => {
  const policy = new ConsistentHashingPolicy(seededRandom(1));
  const candidates = workersOf(4);
  const picks = Array.from({ length: 100 }, () => policy.pick(candidates, NO_HINTS));
  assert.equal(new Set(picks.map(({ candidate }) => candidate)).size, 4);
  assert.equal(picks[0]!.reason, 'no_key');
});
