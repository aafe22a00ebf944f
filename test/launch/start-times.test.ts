import assert from 'node:assert/strict';
import { mkdtempSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { test } from 'node:test';
import { StartTimes, startTimesPath } from '../../src/launch/start-times.ts';

const freshPath = () => join(mkdtempSync(join(tmpdir(), 'start-times-')), 'deeper', 'start-times.json');
const START = { starting: 10_000, weights: 20_000, 'warm-up': 5_000 };

test('the first start has no estimate, the next one that of the first', () => {
  const path = freshPath();
  const first = new StartTimes(path, 'tiny');
  assert.equal(first.remainingMs({ name: 'starting' }, 0), undefined);
  first.add(START);
  const next = new StartTimes(path, 'tiny');
  assert.equal(next.remainingMs({ name: 'starting' }, 0), 35_000);
  assert.equal(next.remainingMs({ name: 'starting' }, 4_000), 31_000);
  assert.equal(next.remainingMs({ name: 'starting' }, 60_000), 25_000, 'a phase that takes longer is over any moment');
  assert.equal(next.remainingMs({ name: 'weights', progress: 0.75 }, 1_000), 10_000);
  assert.equal(next.remainingMs({ name: 'ready' }, 0), 0);
  assert.equal(new StartTimes(path, 'other').remainingMs({ name: 'starting' }, 0), undefined);
});

test('one slow start is not taken for the usual', () => {
  const path = freshPath();
  const times = new StartTimes(path, 'tiny');
  for (const weights of [600_000, 20_000, 21_000]) times.add({ weights });
  assert.equal(times.remainingMs({ name: 'starting' }, 0), 21_000);
});

test('only the last starts of the last models are kept', () => {
  const path = freshPath();
  for (let count = 0; count < 110; count++) new StartTimes(path, `model ${count}`).add(START);
  for (let count = 0; count < 10; count++) new StartTimes(path, 'model 50').add({ weights: count });
  const models = JSON.parse(readFileSync(path, 'utf8'));
  assert.equal(Object.keys(models).length, 100);
  assert.equal(Object.keys(models).at(-1), 'model 50');
  assert.deepEqual(
    models['model 50'],
    [5, 6, 7, 8, 9].map((weights) => ({ weights })),
  );
  assert.deepEqual(readdirSync(dirname(path)), ['start-times.json']);
  assert.equal(statSync(path).mode & 0o777, 0o600);
});

test('whatever else is in the file is no reason to fail', () => {
  const path = freshPath();
  new StartTimes(path, 'tiny').add(START);
  for (const text of ['', '{', 'null', '[1]', '{"tiny": 3}', '{"tiny": [null, {"weights": "x", "starting": -1}]}']) {
    writeFileSync(path, text);
    const times = new StartTimes(path, 'tiny');
    assert.ok([undefined, 0].includes(times.remainingMs({ name: 'starting' }, 0)), text);
    times.add(START);
    assert.equal(typeof times.remainingMs({ name: 'starting' }, 0), 'number');
  }
});

test('a folder that cannot be written costs the estimate alone', () => {
  const times = new StartTimes('/proc/nope/start-times.json', 'tiny');
  times.add(START);
  assert.equal(times.remainingMs({ name: 'starting' }, 0), 35_000);
});

test('it lies in the cache folder', () => {
  assert.equal(startTimesPath({ XDG_CACHE_HOME: '/c' }), '/c/sglang-router/start-times.json');
  assert.match(startTimesPath({}), /\/\.cache\/sglang-router\/start-times\.json$/);
});
