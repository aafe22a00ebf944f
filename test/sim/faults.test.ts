import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Faults } from '../../src/sim/faults.ts';

const NONE = { failFirst: 0, dieOnRequest: undefined, dieOnText: undefined, hangAfter: undefined, hangHealth: false };

const BODY = Buffer.from('{"text":"a"}');

const fates = (faults: Faults, count: number) => Array.from({ length: count }, () => faults.next(BODY));

test('without faults everything is served', () => {
  assert.deepEqual(fates(new Faults(NONE), 3), ['serve', 'serve', 'serve']);
});

test('requests are counted from one', () => {
  const faults = new Faults({ ...NONE, failFirst: 2, dieOnRequest: 4 });
  assert.deepEqual(fates(faults, 5), ['fail', 'fail', 'serve', 'die', 'serve']);
});

test('a hanging engine stays so, and its health hangs from then on where told', () => {
  for (const hangHealth of [false, true]) {
    const faults = new Faults({ ...NONE, hangAfter: 1, hangHealth });
    assert.deepEqual([faults.next(BODY), faults.healthHangs], ['serve', false]);
    assert.deepEqual(fates(faults, 2), ['hang', 'hang']);
    assert.equal(faults.healthHangs, hangHealth);
  }
});

test('a text may be what kills it', () => {
  const faults = new Faults({ ...NONE, dieOnText: 'poison' });
  const bodies = ['{"text":"a"}', '{"text":"some poison"}', '{"text":"b"}'];
  assert.deepEqual(
    bodies.map((body) => faults.next(Buffer.from(body))),
    ['serve', 'die', 'serve'],
  );
});
