import assert from 'node:assert/strict';
import { test } from 'node:test';
import { RoundRobinPolicy } from '../../src/policies/round-robin.ts';
import { policyContract } from './contract.ts';

policyContract('round_robin', () => new RoundRobinPolicy());

test('round_robin: takes the workers in order, again and again', () => {
  const policy = new RoundRobinPolicy();
  const candidates = ['a', 'b', 'c'].map((url) => ({ url, load: 0 }));
  const picks = Array.from({ length: 7 }, () => policy.pick(candidates).url);
  assert.equal(picks.join(''), 'abcabca');
});
