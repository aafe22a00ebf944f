import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { WaitingCall } from '../../src/fleet/call.ts';
import type { WorkerTarget } from '../../src/fleet/worker-target.ts';
import { aCall, endOf } from '../helpers/calls.ts';
import { answering, fakeWorker } from '../helpers/fake-worker.ts';
import { BREAKER, testRegistry } from '../helpers/test-registry.ts';
import { until } from '../helpers/test-router.ts';
import { VirtualClock } from '../helpers/virtual-clock.ts';

/** A server with so many ranks on a clock of its own; of its load it reports `loads`. */
async function server(dpSize: number) {
  const clock = new VirtualClock();
  const usedTokens = new Array<number>(dpSize).fill(0);
  let reports = 0;
  const worker = await fakeWorker(answering(''), 0, { '/server_info': JSON.stringify({ dp_size: dpSize }) });
  worker.server.prependListener('request', ({ url }, response) => {
    if (url !== '/v1/loads') return;
    reports++;
    const loads = usedTokens.map((num_used_tokens) => ({ num_running_reqs: 1, num_waiting_reqs: 0, num_used_tokens }));
    response.end(JSON.stringify({ loads }));
  });
  const r = testRegistry({}, {}, clock, true);
  const added = r.workers.add({ url: worker.url, disableHealthCheck: true });
  await until(() => added.available);
  const send = (rank: WorkerTarget, streams = true, agoMs = 0) => {
    const abandoned: string[] = [];
    const abandon = (reason: string) => void abandoned.push(reason);
    const call: WaitingCall = { startedMs: clock.now() - agoMs, streams, bodyBytes: 1_000, abandon };
    rank.waits(call);
    return { call, abandoned };
  };
  /** Time passes, in which each of these ranks answers a call every second. */
  const pass = (seconds: number, ranks: readonly WorkerTarget[], streams = true) => {
    for (let i = 0; i < seconds; i++) {
      clock.advance(1_000);
      for (const rank of ranks) {
        const { call } = send(rank, streams, 100);
        rank.activity++;
        rank.waitsNoMore(call, true);
      }
    }
  };
  return {
    ...r,
    clock,
    added,
    send,
    pass,
    usedTokens,
    reports: () => reports,
    [Symbol.asyncDispose]: async () => {
      await r.workers.close();
      await worker.close();
    },
  };
}

test('a rank that is silent while its siblings answer gets nothing more; what waits there goes elsewhere, the server stays', async () => {
  await using s = await server(4);
  const [silent, ...others] = s.added.targets;
  const calls = [1, 2, 3].map(() => aCall(s.clock.now()));
  const tickets = calls.map((call) => silent!.chosen(call));
  const waiting = calls.map(() => s.send(silent!));
  const elsewhere = s.send(others[0]!);
  s.pass(12, others);
  assert.deepEqual(s.workers.available(), others);
  for (const { abandoned } of waiting) assert.match(abandoned[0] ?? '', /@0: silent for 1\d s with 3 requests waiting/);
  assert.deepEqual(elsewhere.abandoned, []);
  for (const [i, call] of calls.entries()) silent!.settled(call, endOf('failure'), tickets[i]!);
  assert.deepEqual([s.added.available, s.added.breaker.failures, s.added.conducts.problem], [true, 0, undefined]);
  assert.match(s.added.problem ?? '', /^rank 0 hangs: silent/);
  assert.ok(s.lines.some((line) => line.includes('rank hangs')));
});

test('it is tried with one request after a while, and is back when those go well', async () => {
  await using s = await server(2);
  const [silent, other] = s.added.targets;
  for (let i = 0; i < 3; i++) s.send(silent!);
  s.pass(12, [other!]);
  assert.deepEqual(s.workers.available(), [other]);
  s.pass(BREAKER.timeoutMs / 1_000, [other!]);
  assert.deepEqual(s.workers.available(), [silent, other]);
  for (let i = 0; i < BREAKER.successThreshold; i++) {
    const call = aCall(s.clock.now());
    const ticket = silent!.chosen(call);
    assert.deepEqual(s.workers.available(), [other]);
    silent!.settled(call, endOf('good', 200), ticket);
  }
  assert.deepEqual([s.workers.available(), s.added.problem], [[silent, other], undefined]);
  assert.ok(s.lines.some((line) => line.includes('rank answers again')));
});

test('one call that is not streamed, while the load that the server reports for the rank stands still', async () => {
  await using s = await server(3);
  const [silent, ...others] = s.added.targets;
  const { abandoned } = s.send(silent!, false);
  s.pass(10, others, false);
  assert.equal(s.reports(), 0);
  await until(() => {
    s.pass(1, others, false);
    return abandoned.length === 1;
  });
  assert.ok(s.reports() >= 2);
  assert.match(abandoned[0] ?? '', /its reported load unchanged/);
  assert.deepEqual(s.workers.available(), others);
});

test('a rank that makes a long answer uses more and more tokens, and is left in peace', async () => {
  await using s = await server(3);
  const [busy, ...others] = s.added.targets;
  const { abandoned } = s.send(busy!, false);
  await until(() => {
    s.usedTokens[0]!++;
    s.pass(1, others, false);
    return s.reports() === 5;
  });
  assert.deepEqual([abandoned, s.workers.available().length], [[], 3]);
});

test('no more than half of the ranks are taken out so', async () => {
  await using s = await server(4);
  const [first, second, third, well] = s.added.targets;
  for (const rank of [first!, second!, third!]) for (let i = 0; i < 3; i++) s.send(rank);
  s.pass(20, [well!]);
  assert.equal(s.workers.available().length, 2);
});
