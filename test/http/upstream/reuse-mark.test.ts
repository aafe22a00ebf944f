import assert from 'node:assert/strict';
import { test } from 'node:test';
import { isStale } from '../../../src/http/upstream/reuse-mark.ts';

test('only a connection that had served, and brought nothing of an answer, was stale', () => {
  const reused = Object.assign(new Error('ECONNRESET'), { reused: true });
  assert.equal(isStale(reused, false, 5), true);
  assert.equal(isStale(reused, true, 5), false);
  assert.equal(isStale(new Error('ECONNRESET'), false, 5), false);
  assert.equal(isStale(reused, false, 5_000), false, 'the worker had the request for long');
});
