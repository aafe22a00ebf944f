import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Http1Reply } from '../../../src/http/edge/http1-reply.ts';

const nowhere = { write: () => true, finish() {}, cut() {}, whenDrained() {}, tunnel() {} };
const request = { method: 'POST', minor: 1, keepsAlive: true, complete: true } as const;

test('whoever waits for the last byte of an answer hears of it, however many', async () => {
  const reply = new Http1Reply(request, nowhere);
  const waits = [reply.flushed(), reply.flushed()];
  reply.flush();
  await Promise.all(waits);
  assert.equal(reply.flushed(), undefined);
});
