import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Owners } from '../../../src/scheduler/stored/owners.ts';

const URL = 'http://w';

test('what is remembered is bounded, the newest and what is used stay', () => {
  const owners = new Owners();
  const of = (n: number) => ({ kind: 'response' as const, id: `resp_${n}` });
  owners.learn(of(-1), URL);
  for (let n = 0; n < 200_000; n++) {
    owners.learn(of(n), URL);
    if (n % 10_000 === 0) assert.equal(owners.find(of(-1)), URL);
  }
  const known = Array.from({ length: 200_000 }, (_, n) => n).filter((n) => owners.find(of(n)) !== undefined);
  assert.ok(known.length >= 2 ** 15 && known.length <= 2 ** 16, `${known.length}`);
  assert.equal(known.at(-1), 199_999);
});

test('a session that a client calls like a response is no response', () => {
  const owners = new Owners();
  owners.learn({ kind: 'session', id: 'resp_1' }, URL);
  assert.equal(owners.find({ kind: 'response', id: 'resp_1' }), undefined);
});
