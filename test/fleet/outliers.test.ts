import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Evidence } from '../../src/fleet/call.ts';
import type { OutlierOptions } from '../../src/fleet/conducts.ts';
import { standsOut, upperBound } from '../../src/fleet/outliers.ts';
import type { Worker } from '../../src/fleet/worker.ts';
import { aCall, endOf } from '../helpers/calls.ts';
import { testRegistry } from '../helpers/test-registry.ts';
import { VirtualClock } from '../helpers/virtual-clock.ts';

const KIND = '/generate';

/** Workers that are ready without being asked, on a clock of their own. */
function fleet(size: number, outliers?: OutlierOptions) {
  const clock = new VirtualClock();
  clock.advance(1_000_000);
  const r = testRegistry({ disabled: true }, {}, clock, false, outliers);
  const all = Array.from({ length: size }, (_, i) => r.workers.add({ url: `http://127.0.0.1:${i + 1}` }));
  /** A request that ends so; an error is one that others do not give unless they `fail` too. */
  const send = (worker: Worker, evidence: Evidence, { kind = KIND, status = 401, othersFail = false } = {}) => {
    const [target] = worker.targets;
    const call = aCall(clock.now(), kind);
    const ticket = target!.chosen(call);
    clock.advance(1);
    target!.settled(call, endOf(evidence, status), ticket);
    if (evidence === 'good' || evidence === 'busy' || evidence === 'none') return;
    target!.compared(call, othersFail ? 'others_fail' : 'others_answer', false);
  };
  const answer = (workers: readonly Worker[], times: number) => {
    for (let i = 0; i < times; i++) for (const worker of workers) send(worker, 'good');
  };
  const holds = (worker: Worker, kind = KIND) => worker.targets[0]!.holds(kind);
  /** Fails it until it is out. */
  const eject = (worker: Worker) => {
    for (let i = 0; i < 20 && worker.conducts.problem === undefined; i++) {
      if (holds(worker)) clock.advance(worker.conducts.of(KIND)!.heldMs);
      send(worker, 'refusal');
    }
  };
  const heldMs = (worker: Worker) => worker.conducts.of(KIND)!.heldMs;
  return { ...r, clock, all, send, answer, holds, eject, heldMs };
}

test('errors stand out when they are no chance for a worker like the others', () => {
  assert.ok(upperBound(0, 0) > 0.6, 'nothing is known');
  assert.ok(upperBound(0, 1_000) < 0.005);
  assert.ok(upperBound(50, 100) > 0.5 && upperBound(50, 100) < 0.65);
  assert.equal(standsOut(3, 3, upperBound(0, 20)), false);
  assert.equal(standsOut(6, 6, upperBound(0, 20)), true);
  assert.equal(standsOut(50, 100, upperBound(40, 100)), false);
  assert.equal(standsOut(90, 100, upperBound(40, 100)), true);
  assert.equal(standsOut(0, 100, upperBound(0, 100)), false);
  assert.equal(standsOut(100, 100, upperBound(100, 100)), false);
});

test('two errors in a row that others do not give: left alone for a moment, then one request decides', async () => {
  await using f = fleet(3);
  const [bad, ...good] = f.all;
  f.send(bad!, 'refusal');
  assert.equal(f.holds(bad!), false);
  f.send(bad!, 'refusal');
  assert.deepEqual([f.holds(bad!), bad!.problem], [true, undefined]);
  assert.deepEqual(
    good.map((worker) => f.holds(worker)),
    [false, false],
  );
  f.clock.advance(100);
  assert.equal(f.holds(bad!), false);
  const [target] = bad!.targets;
  const trial = aCall(f.clock.now(), KIND);
  const ticket = target!.chosen(trial);
  assert.equal(f.holds(bad!), true, 'one at a time');
  target!.settled(trial, endOf('good', 200), ticket);
  assert.equal(f.holds(bad!), false);
});

test('a worker that stands out is taken out for longer each time, said once, until it gives a good answer', async () => {
  await using f = fleet(4);
  const [bad, ...good] = f.all;
  f.answer(good, 50);
  f.eject(bad!);
  assert.match(bad!.problem ?? '', /errors that others do not give: 401 to \/generate, \d times in a row/);
  for (const seconds of [5, 10, 20]) {
    assert.ok(f.heldMs(bad!) > (seconds - 1) * 1_000 && f.heldMs(bad!) <= seconds * 1_000, `${f.heldMs(bad!)}`);
    f.clock.advance(f.heldMs(bad!));
    f.answer(good, 10);
    f.send(bad!, 'refusal');
    assert.equal(f.holds(bad!), true);
  }
  f.clock.advance(f.heldMs(bad!));
  f.send(bad!, 'good');
  assert.deepEqual([f.holds(bad!), bad!.problem], [false, undefined]);
  const told = f.lines.filter((line) => line.includes('stands out'));
  assert.equal(told.length, 2, told.join('\n'));
  assert.match(told[0] ?? '', /stands out with errors: taken out .*reason/);
  assert.match(told[1] ?? '', /it is back/);
});

test('errors that others give too say nothing, however many', async () => {
  await using f = fleet(2);
  const [worker] = f.all;
  for (let i = 0; i < 200; i++) f.send(worker!, 'refusal', { othersFail: true });
  assert.equal(f.holds(worker!), false);
});

test('a share of failures far above that of others stands out; one like theirs does not', async () => {
  await using f = fleet(4);
  const [bad, ...good] = f.all;
  f.answer(good, 60);
  for (let i = 0; i < 60 && bad!.problem === undefined; i++)
    f.send(bad!, i % 2 === 0 ? 'failure' : 'good', { status: 500 });
  assert.match(bad!.problem ?? '', /\d+ of \d+ requests to \/generate lately, the last: 500/);
  await using alike = fleet(4);
  for (let i = 0; i < 200; i++) for (const worker of alike.all) alike.send(worker, i % 5 === 0 ? 'failure' : 'good');
  assert.ok(alike.all.every(({ problem }) => problem === undefined));
});

test('never more than half are taken out', async () => {
  for (const [size, most] of [
    [2, 1],
    [3, 1],
    [4, 2],
    [5, 2],
  ] as const) {
    await using f = fleet(size);
    f.answer(f.all.slice(-1), 200);
    for (const worker of f.all) f.eject(worker);
    assert.equal(f.all.filter(({ problem }) => problem !== undefined).length, most, `of ${size}`);
  }
});

test('each kind of request is judged by itself', async () => {
  await using f = fleet(3);
  const [bad] = f.all;
  for (let i = 0; i < 2; i++) f.send(bad!, 'refusal', { kind: '/v1/embeddings' });
  assert.deepEqual([f.holds(bad!, '/v1/embeddings'), f.holds(bad!)], [true, false]);
});

test('a worker that is full is left alone for a moment, or as long as it says', async () => {
  await using f = fleet(2);
  const [full] = f.all;
  f.send(full!, 'busy', { status: 503 });
  assert.deepEqual([f.heldMs(full!), full!.problem], [100, undefined]);
  f.clock.advance(100);
  const [target] = full!.targets;
  const call = aCall(f.clock.now(), KIND);
  target!.settled(call, endOf('busy', 429, 2_000), target!.chosen(call));
  assert.equal(f.heldMs(full!), 2_000);
  f.clock.advance(2_000);
  f.send(full!, 'good');
  assert.equal(f.holds(full!), false);
  const hour = aCall(f.clock.now(), KIND);
  target!.settled(hour, endOf('busy', 503, 3_600_000), target!.chosen(hour));
  assert.equal(f.heldMs(full!), 10_000);
});

test('a trial that its client gives up decides nothing, and one that runs long was accepted', async () => {
  await using f = fleet(2);
  const [bad] = f.all;
  const [target] = bad!.targets;
  for (let i = 0; i < 2; i++) f.send(bad!, 'refusal');
  f.clock.advance(100);
  f.send(bad!, 'none');
  assert.equal(f.holds(bad!), false);
  target!.chosen(aCall(f.clock.now(), KIND));
  assert.equal(f.holds(bad!), true);
  f.clock.advance(3_000);
  assert.equal(f.holds(bad!), false);
});

/** An error at the worker that another one is asked about; returns how to tell what came of that. */
function compare(worker: Worker, clock: VirtualClock) {
  const [target] = worker.targets;
  const call = aCall(clock.now(), KIND);
  const ticket = target!.chosen(call);
  const doubted = target!.doubts(call);
  if (doubted) target!.comparing(call);
  target!.settled(call, { ...endOf('complaint', 400), repeated: doubted }, ticket);
  return {
    doubted,
    said: (comparison: 'others_answer' | 'others_fail') => target!.compared(call, comparison, doubted),
  };
}

test('a worker that is asked for its opinion and says nothing keeps nobody from the one that is doubted', async () => {
  await using f = fleet(2);
  const [well] = f.all;
  for (let i = 0; i < 2; i++) f.send(well!, 'complaint', { status: 400, othersFail: true });
  const { doubted, said } = compare(well!, f.clock);
  assert.deepEqual([doubted, f.holds(well!)], [true, true]);
  f.clock.advance(1_100);
  assert.equal(f.holds(well!), false, 'one request is let through');
  f.send(well!, 'good');
  assert.equal(f.holds(well!), false);
  for (let i = 0; i < 5; i++) assert.equal(compare(well!, f.clock).doubted, false, 'nobody else is asked meanwhile');
  assert.equal(f.holds(well!), false);
  said('others_fail');
  assert.equal(f.holds(well!), false);
  for (let i = 0; i < 2; i++) f.send(well!, 'complaint', { status: 400, othersFail: true });
  assert.equal(compare(well!, f.clock).doubted, true, 'as before');
});

test('a worker that refuses everything gets one request at a time while the other makes a long answer', async () => {
  await using f = fleet(2);
  const [bad] = f.all;
  for (let i = 0; i < 2; i++) f.send(bad!, 'complaint', { status: 400, othersFail: true });
  const { said } = compare(bad!, f.clock);
  let sent = 0;
  for (let ms = 0; ms < 30_000; ms += 100) {
    f.clock.advance(100);
    if (f.holds(bad!)) continue;
    sent++;
    compare(bad!, f.clock);
  }
  assert.ok(sent >= 5 && sent <= 20, `${sent} requests`);
  said('others_answer');
  assert.equal(bad!.conducts.of(KIND)!.blamedInARow, 1);
});

test('a worker without peers is never held back for its errors', async () => {
  await using f = fleet(1);
  for (let i = 0; i < 50; i++) f.send(f.all[0]!, 'failure');
  assert.equal(f.holds(f.all[0]!), false);
});

test('a worker that was started again begins anew', async () => {
  await using f = fleet(2);
  const [bad, good] = f.all;
  f.answer([good!], 200);
  f.eject(bad!);
  assert.equal(f.holds(bad!), true);
  f.workers.fail(bad!.url, 'exited');
  f.workers.revive(bad!.url);
  bad!.becomeReady();
  assert.deepEqual([f.holds(bad!), bad!.problem], [false, undefined]);
});

test('without retries errors count by themselves, but not those of requests that are wrong', async () => {
  await using f = fleet(2, { enabled: true, compares: false });
  const [bad] = f.all;
  const [target] = bad!.targets;
  const fail = (evidence: Evidence) => {
    const call = aCall(f.clock.now(), KIND);
    target!.settled(call, endOf(evidence, 400), target!.chosen(call));
  };
  for (let i = 0; i < 50; i++) fail('complaint');
  assert.equal(f.holds(bad!), false);
  for (let i = 0; i < 2; i++) fail('refusal');
  assert.equal(f.holds(bad!), true);
});

test('switched off, nobody is held back', async () => {
  await using f = fleet(2, { enabled: false, compares: true });
  for (let i = 0; i < 50; i++) f.send(f.all[0]!, 'failure');
  f.send(f.all[0]!, 'busy');
  assert.equal(f.holds(f.all[0]!), false);
});
