import assert from 'node:assert/strict';
import { test } from 'node:test';
import { StickyKeys } from '../../../src/scheduler/policies/sticky-keys.ts';
import { workersOf } from '../../helpers/candidates.ts';

function setup(options: { maxIdleMs?: number; maxKeys?: number } = {}) {
  const clock = { ms: 0 };
  const keys = new StickyKeys({ maxIdleMs: 1_000, ...options }, () => clock.ms);
  return { clock, keys, workers: workersOf(4) };
}

test('a key has the worker it was given', () => {
  const { keys, workers } = setup();
  assert.equal(keys.recall('a', workers), undefined);
  keys.assign('a', workers[2]!);
  assert.equal(keys.recall('a', workers), workers[2]);
  assert.equal(keys.recall('b', workers), undefined);
});

test('two workers are remembered, the older first; a third takes the place of the oldest', () => {
  const { keys, workers } = setup();
  const [first, second, third] = workers as [never, never, never];
  keys.assign('a', first);
  assert.equal(keys.recall('a', workers.slice(1)), undefined);
  keys.assign('a', second);
  assert.equal(keys.recall('a', workers.slice(1)), second);
  assert.equal(keys.recall('a', workers), first);
  keys.assign('a', third);
  assert.equal(keys.recall('a', [first]), undefined);
  assert.equal(keys.recall('a', workers), second);
});

test('a key unused for the idle time is forgotten; use keeps it', () => {
  const { clock, keys, workers } = setup();
  keys.assign('a', workers[0]!);
  keys.assign('b', workers[0]!);
  clock.ms = 1_000;
  assert.equal(keys.recall('a', workers), workers[0]);
  clock.ms = 1_001;
  assert.equal(keys.recall('b', workers), undefined);
  clock.ms = 2_000;
  assert.equal(keys.recall('a', workers), workers[0]);
  clock.ms = 3_001;
  assert.equal(keys.recall('a', workers), undefined);
  assert.equal(keys.size, 0);
});

test('idle keys that nobody asks for make room as others come', () => {
  const { clock, keys, workers } = setup();
  for (let n = 0; n < 5_000; n++) keys.assign(`old ${n}`, workers[n % 4]!);
  clock.ms = 1_001;
  for (let n = 0; n < 10; n++) keys.assign(`new ${n}`, workers[0]!);
  assert.equal(keys.size, 10);
  assert.deepEqual(
    workers.map((worker) => keys.keysOn(worker)),
    [10, 0, 0, 0],
  );
});

test('no more keys than allowed: the longest unused go first', () => {
  const { keys, workers } = setup({ maxKeys: 100 });
  for (let n = 0; n < 1_000; n++) {
    keys.assign(`key ${n}`, workers[0]!);
    keys.recall('key 0', workers);
    assert.ok(keys.size <= 100);
  }
  assert.equal(keys.recall('key 0', workers), workers[0]);
  assert.equal(keys.recall('key 1', workers), undefined);
  assert.equal(keys.recall('key 999', workers), workers[0]);
});

test('a key counts for the worker that serves it now', () => {
  const { keys, workers } = setup();
  const counts = () => workers.map((worker) => keys.keysOn(worker));
  keys.assign('a', workers[0]!);
  keys.assign('b', workers[0]!);
  assert.deepEqual(counts(), [2, 0, 0, 0]);
  keys.assign('a', workers[1]!);
  assert.deepEqual(counts(), [1, 1, 0, 0]);
  keys.recall('a', workers);
  assert.deepEqual(counts(), [2, 0, 0, 0]);
});
