import assert from 'node:assert/strict';
import { test } from 'node:test';
import { PrefixHashPolicy } from '../../../src/scheduler/policies/prefix-hash.ts';
import { asking, NO_HINTS, workersOf } from '../../helpers/candidates.ts';
import { seededRandom } from '../../helpers/seeded-random.ts';
import { policyContract } from './contract.ts';

policyContract('prefix_hash', () => new PrefixHashPolicy());

const HOT = 'You are a helpful assistant. '.repeat(100);

test('prefix_hash: prompts that begin alike go to one worker while it has room', () => {
  const policy = new PrefixHashPolicy();
  const candidates = workersOf(8);
  const picks = Array.from({ length: 30 }, (_, n) => policy.pick(candidates, asking(`${HOT}${n}`)));
  assert.equal(new Set(picks.map(({ candidate }) => candidate)).size, 1);
  assert.ok(picks.every(({ reason }) => reason === 'prompt'));
});

test('prefix_hash: a session key does not matter', () => {
  const policy = new PrefixHashPolicy();
  const candidates = workersOf(8);
  const picks = Array.from({ length: 20 }, (_, n) => policy.pick(candidates, asking(HOT, `s${n}`)).candidate);
  assert.equal(new Set(picks).size, 1);
});

test('prefix_hash: no worker ever gets more than 1.25 times its share, rounded up', () => {
  for (let seed = 1; seed <= 20; seed++) {
    const random = seededRandom(seed);
    const policy = new PrefixHashPolicy(random);
    const candidates = workersOf(2 + Math.floor(random() * 10));
    for (let n = 0; n < 500; n++) {
      // A few hot beginnings, and requests that end in between.
      const { candidate } = policy.pick(candidates, asking(`${Math.floor(random() * 3)} ${HOT}`));
      const total = candidates.reduce((sum, { load }) => sum + load, 0) + 1;
      candidate.load++;
      assert.ok(candidate.load <= Math.ceil((1.25 * total) / candidates.length));
      const done = candidates[Math.floor(random() * candidates.length)]!;
      if (done.load > 0 && random() < 0.5) done.load--;
    }
  }
});

test('prefix_hash: what overflows goes to one and the same next worker', () => {
  const policy = new PrefixHashPolicy();
  const candidates = workersOf(8);
  const home = policy.pick(candidates, asking(HOT)).candidate;
  for (const candidate of candidates) candidate.load = 4;
  home.load = 40;
  const picks = Array.from({ length: 10 }, (_, n) => policy.pick(candidates, asking(`${HOT}${n}`)));
  assert.equal(new Set(picks.map(({ candidate }) => candidate)).size, 1);
  assert.notEqual(picks[0]!.candidate, home);
  assert.equal(picks[0]!.reason, 'overflow');
  home.load = 4;
  assert.equal(policy.pick(candidates, asking(HOT)).candidate, home);
});

test('prefix_hash: without a prompt the least busy worker', () => {
  const policy = new PrefixHashPolicy();
  const candidates = workersOf(3);
  candidates[0]!.load = 2;
  candidates[2]!.load = 1;
  const choice = policy.pick(candidates, NO_HINTS);
  assert.deepEqual([choice.candidate.slot, choice.reason], [1, 'no_prompt']);
});
