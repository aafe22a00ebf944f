import assert from 'node:assert/strict';
import { test } from 'node:test';
import { RandomPolicy } from '../../src/policies/random.ts';
import { policyContract } from './contract.ts';

policyContract('random', () => new RandomPolicy());

test('random: the ends of the random range are the first and the last worker', () => {
  const candidates = ['a', 'b', 'c'].map((url) => ({ url, load: 0 }));
  assert.equal(new RandomPolicy(() => 0).pick(candidates).url, 'a');
  assert.equal(new RandomPolicy(() => 1 - Number.EPSILON).pick(candidates).url, 'c');
});
