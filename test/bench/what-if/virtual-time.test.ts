import assert from 'node:assert/strict';
import { test } from 'node:test';
import { VirtualTime } from '../../../src/bench/what-if/virtual-time.ts';

const never = new AbortController().signal;

test('alarms ring by time, those of one time in the order in which they were set', async () => {
  const time = new VirtualTime();
  const rung: [string, number][] = [];
  const set = (name: string, atMs: number) => time.alarm(atMs, () => rung.push([name, time.now()]));
  for (const [i, atMs] of [50, 10, 30, 10, 20, 40, 10].entries()) set(`${i}`, atMs);
  await time.run(time.pause(60), never);
  assert.deepEqual(rung, [
    ['1', 10],
    ['3', 10],
    ['6', 10],
    ['4', 20],
    ['2', 30],
    ['5', 40],
    ['0', 50],
  ]);
  assert.equal(time.now(), 60);
});

test('who waits goes on before time does', async () => {
  const time = new VirtualTime();
  const seen: number[] = [];
  const work = async () => {
    for (let i = 0; i < 3; i++) {
      await time.pause(100);
      seen.push(time.now());
    }
    return 'done';
  };
  time.alarm(1_000_000, () => {});
  assert.equal(await time.run(work(), never), 'done');
  assert.deepEqual(seen, [100, 200, 300]);
});

test('it ends when it is stopped, with the error of the work, and where nothing happens any more', async () => {
  const stop = new AbortController();
  const time = new VirtualTime();
  time.alarm(5, () => stop.abort());
  assert.equal(await time.run(new Promise(() => {}), stop.signal), undefined);
  const broken = Promise.reject(new Error('broken'));
  await assert.rejects(new VirtualTime().run(broken, never), /broken/);
  await assert.rejects(new VirtualTime().run(new Promise(() => {}), never), /nothing happens/);
});
