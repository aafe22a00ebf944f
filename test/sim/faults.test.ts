import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Faults } from '../../src/sim/faults.ts';

const NONE = { failFirst: 0, dieOnRequest: undefined, hangAfter: undefined, hangHealth: false };

const fates = (faults: Faults, count: number) => Array.from({ length: count }, () => faults.next());

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
    assert.deepEqual([faults.next(), faults.healthHangs], ['serve', false]);
    assert.deepEqual(fates(faults, 2), ['hang', 'hang']);
    assert.equal(faults.healthHangs, hangHealth);
  }
});
