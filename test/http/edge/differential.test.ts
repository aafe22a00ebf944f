import assert from 'node:assert/strict';
import { test } from 'node:test';
import { compareWithNode } from '../../faults/fuzz/differential.ts';

const CASES = 100_000;

test('the router accepts nothing that Node refuses, and reads what both accept as Node does', () => {
  const { alike, stricter, differences } = compareWithNode(1, CASES);
  assert.deepEqual(differences, []);
  assert.ok(alike > CASES, `${alike} requests read`);
  assert.ok(stricter < alike / 10, `${stricter} requests that only Node reads`);
});
