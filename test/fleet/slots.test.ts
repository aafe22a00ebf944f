import assert from 'node:assert/strict';
import { test } from 'node:test';
import { MAX_SLOTS, Slots } from '../../src/fleet/slots.ts';

test('counts what is in flight, per slot', () => {
  const slots = new Slots();
  const [a, b] = [slots.claim(), slots.claim()];
  slots.take(a);
  slots.take(a);
  slots.take(b);
  slots.give(a);
  assert.deepEqual([slots.inFlight(a), slots.inFlight(b)], [1, 1]);
});

test('a retired slot is reused, zeroed, only after its last request has settled', () => {
  const slots = new Slots();
  const slot = slots.claim();
  slots.take(slot);
  void slots.retire(slot);
  assert.notEqual(slots.claim(), slot);
  slots.give(slot);
  assert.equal(slots.claim(), slot);
  assert.equal(slots.inFlight(slot), 0);
});

test('an idle slot is free as soon as it is retired', () => {
  const slots = new Slots();
  const slot = slots.claim();
  void slots.retire(slot);
  assert.equal(slots.claim(), slot);
});

test('says so when the table is full', () => {
  const slots = new Slots();
  for (let i = 0; i < MAX_SLOTS; i++) slots.claim();
  assert.throws(() => slots.claim(), /at most 8192 workers and ranks/);
});

test('two views of one buffer see the same counters', () => {
  const buffer = new SharedArrayBuffer(MAX_SLOTS * 64);
  const [writer, reader] = [new Slots(buffer), new Slots(buffer)];
  const slot = writer.claim();
  writer.take(slot);
  assert.equal(reader.inFlight(slot), 1);
});
