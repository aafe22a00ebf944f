import assert from 'node:assert/strict';
import { test } from 'node:test';
import { failed } from '../../src/link/failure.ts';
import { verdictOf } from '../../src/scheduler/verdict.ts';

const answered = (status: number) => verdictOf({ kind: 'answered', status });

test('what an answer says of its worker: its mistakes count, those of clients and load do not', () => {
  for (const status of [200, 204, 301, 400, 401, 404, 413, 422, 499])
    assert.equal(answered(status), 'success', `${status}`);
  for (const status of [408, 429, 501, 503, 505]) assert.equal(answered(status), 'neutral', `${status}`);
  for (const status of [500, 502, 504, 599]) assert.equal(answered(status), 'failure', `${status}`);
  assert.equal(verdictOf({ kind: 'rejected', status: 500, retryAfterMs: undefined }), 'failure');
  assert.equal(verdictOf({ kind: 'rejected', status: 429, retryAfterMs: 1 }), 'neutral');
});

test('connections that break count, before and after the first byte; clients that leave do not', () => {
  const reset = Object.assign(new Error('reset'), { code: 'ECONNRESET' });
  assert.equal(verdictOf(failed(reset, false, true)), 'failure');
  assert.equal(verdictOf(failed(reset, true, true)), 'failure');
  assert.equal(verdictOf({ kind: 'client_gone' }), 'neutral');
  assert.equal(verdictOf(failed(Object.assign(new Error(''), { code: 'UND_ERR_DESTROYED' }), true, true)), 'neutral');
});
