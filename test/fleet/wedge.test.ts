import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { WaitingCall } from '../../src/fleet/call.ts';
import type { HealthOptions } from '../../src/fleet/health.ts';
import type { Worker } from '../../src/fleet/worker.ts';
import { aCall } from '../helpers/calls.ts';
import { fakeWorker } from '../helpers/fake-worker.ts';
import { BREAKER, testRegistry } from '../helpers/test-registry.ts';
import { until } from '../helpers/test-router.ts';
import { VirtualClock } from '../helpers/virtual-clock.ts';

interface Kind {
  readonly streams?: boolean;
  readonly bodyBytes?: number;
}

/** Workers on a clock of their own. Where no URL is given nobody listens; those are ready without being asked. */
function fleet(size: number, health: Partial<HealthOptions> = {}, urls: readonly string[] = []) {
  const clock = new VirtualClock();
  const r = testRegistry(health, {}, clock);
  const workers = Array.from({ length: size }, (_, i) =>
    r.workers.add({ url: urls[i] ?? `http://127.0.0.1:${i + 1}`, disableHealthCheck: urls[i] === undefined }),
  );
  /** A call that waits there, sent `agoMs` before. */
  const send = (worker: Worker, { streams = true, bodyBytes = 1_000 }: Kind = {}, agoMs = 0) => {
    const abandoned: string[] = [];
    const abandon = (reason: string) => void abandoned.push(reason);
    const call: WaitingCall = { startedMs: clock.now() - agoMs, streams, bodyBytes, abandon };
    worker.targets[0]!.waits(call);
    return { call, abandoned };
  };
  const answer = (worker: Worker, { call }: { call: WaitingCall }) => {
    worker.targets[0]!.activity++;
    worker.targets[0]!.waitsNoMore(call, true);
  };
  /** Time passes, in which each of these answers a call every second. */
  const pass = (seconds: number, answering: readonly Worker[], kind: Kind = {}, tookMs = 100) => {
    for (let i = 0; i < seconds; i++) {
      clock.advance(1_000);
      for (const worker of answering) answer(worker, send(worker, kind, tookMs));
    }
  };
  return { ...r, clock, all: workers, send, answer, pass };
}

test('several streams that wait 10 s while peers answer: taken out, what waits goes elsewhere, what streams runs on', async () => {
  await using f = fleet(3);
  const [stuck, ...peers] = f.all;
  f.pass(5, f.all);
  const running = f.send(stuck!);
  f.answer(stuck!, running);
  const waiting = [f.send(stuck!), f.send(stuck!), f.send(stuck!)];
  f.pass(10, peers);
  assert.equal(stuck!.available, true);
  f.pass(2, peers);
  assert.equal(stuck!.available, false);
  assert.match(stuck!.problem ?? '', /silent for 1\d s with 3 requests waiting, while others answer/);
  for (const { abandoned } of waiting) assert.equal(abandoned.length, 1);
  assert.deepEqual(running.abandoned, []);
  assert.deepEqual(
    f.workers.available(),
    peers.map(({ targets }) => targets[0]),
  );
  f.pass(1, peers);
  assert.equal(waiting[0]!.abandoned.length, 1);
});

test('a call of a kind that no peer has answered does not hide that the others wait in vain', async () => {
  await using f = fleet(2);
  const [stuck, peer] = f.all;
  f.pass(5, f.all);
  const unlike = f.send(stuck!, { streams: false });
  for (let i = 0; i < 3; i++) f.send(stuck!);
  f.pass(12, [peer!]);
  assert.deepEqual([stuck!.available, unlike.abandoned.length], [false, 1]);
});

test('a single stream gets 30 s and many answers elsewhere', async () => {
  await using f = fleet(2);
  const [stuck, peer] = f.all;
  f.pass(1, f.all);
  const { abandoned } = f.send(stuck!);
  f.pass(30, [peer!]);
  assert.deepEqual(abandoned, []);
  f.pass(2, [peer!]);
  assert.equal(abandoned.length, 1);
});

test('calls that are not streamed: one is never judged by itself, several after 20 s', async () => {
  await using f = fleet(2);
  const [stuck, peer] = f.all;
  const kind = { streams: false };
  f.pass(1, f.all, kind);
  const { abandoned } = f.send(stuck!, kind);
  f.pass(600, [peer!], kind);
  assert.deepEqual(abandoned, []);
  f.answer(stuck!, f.send(stuck!, kind));
  for (let i = 0; i < 2; i++) f.send(stuck!, kind);
  f.pass(20, [peer!], kind);
  assert.deepEqual(abandoned, []);
  f.pass(2, [peer!], kind);
  assert.equal(abandoned.length, 1);
});

test('a server whose tokens flow is busy, however long others wait there', async () => {
  await using f = fleet(2);
  const [busy, peer] = f.all;
  f.pass(1, f.all);
  for (let i = 0; i < 5; i++) f.send(busy!);
  for (let i = 0; i < 600; i++) {
    busy!.targets[0]!.activity++;
    f.pass(1, [peer!]);
  }
  assert.equal(busy!.available, true);
});

type Fleet = ReturnType<typeof fleet>;

const NOBODY_TO_COMPARE_WITH: readonly (readonly [what: string, pass: (f: Fleet, peer: Worker) => void])[] = [
  [
    'there is no peer left',
    (f, peer) => {
      f.workers.fail(peer.url, 'exited');
      f.pass(25, [peer]);
    },
  ],
  [
    'the only peer is taken out',
    (f, peer) => {
      peer.breaker.trip('silent');
      f.pass(25, [peer]);
    },
  ],
  ['no peer has answered', (f) => f.pass(25, [])],
  [
    'what peers were sent ended without an answer',
    (f, peer) => {
      for (let i = 0; i < 25; i++) {
        f.pass(1, []);
        peer.targets[0]!.waitsNoMore(f.send(peer).call, false);
      }
    },
  ],
];

for (const [what, pass] of NOBODY_TO_COMPARE_WITH) {
  test(`where ${what} nobody is judged`, async () => {
    await using f = fleet(2);
    const [stuck, peer] = f.all;
    f.pass(1, f.all);
    const calls = [1, 2, 3].map(() => f.send(stuck!));
    pass(f, peer!);
    assert.deepEqual(
      calls.flatMap(({ abandoned }) => abandoned),
      [],
    );
    assert.equal(stuck!.breaker.state, 'closed');
  });
}

test('peers of another role do not count', async () => {
  await using f = fleet(1);
  const decode = f.workers.add({ url: 'http://127.0.0.1:99', role: 'decode', disableHealthCheck: true });
  f.pass(1, [decode]);
  const calls = [1, 2, 3].map(() => f.send(f.all[0]!));
  f.pass(60, [decode]);
  assert.deepEqual(
    calls.flatMap(({ abandoned }) => abandoned),
    [],
  );
});

for (const [what, kind, tookMs] of [
  ['where peers take long too', {}, 6_000],
  ['for prompts larger than what peers have read', { bodyBytes: 60_000 }, 100],
] as const) {
  test(`patience is longer ${what}`, async () => {
    await using f = fleet(2);
    const [slow, peer] = f.all;
    f.pass(40, [peer!], {}, tookMs);
    const calls = [1, 2, 3].map(() => f.send(slow!, kind));
    const abandoned = () => calls.flatMap((call) => call.abandoned).length;
    f.pass(30, [peer!], {}, tookMs);
    assert.equal(abandoned(), 0);
    f.pass(3, [peer!], {}, tookMs);
    assert.equal(abandoned(), 3);
  });
}

test('whatever makes requests hang does not take one worker after the other out with it', async () => {
  await using f = fleet(5);
  const [first, second, third, ...rest] = f.all;
  for (const worker of [first!, second!, third!]) {
    f.pass(1, f.all);
    for (let i = 0; i < 3; i++) f.send(worker);
    f.pass(40, rest);
  }
  assert.deepEqual(
    f.all.map(({ breaker }) => breaker.tripped),
    [true, true, false, false, false],
  );
});

test('the probe of a worker that hung gets 10 s', async () => {
  await using f = fleet(2);
  const [stuck, peer] = f.all;
  stuck!.breaker.trip('silent');
  f.pass(BREAKER.timeoutMs / 1_000, [peer!]);
  assert.equal(stuck!.breaker.state, 'half_open');
  const { abandoned } = f.send(stuck!, { streams: false });
  stuck!.targets[0]!.chosen(aCall());
  f.pass(10, [peer!]);
  assert.deepEqual(abandoned, []);
  f.pass(1, [peer!]);
  assert.equal(abandoned.length, 1);
  assert.equal(stuck!.breaker.state, 'open');
});

test('the probe of the only worker waits as long as it takes', async () => {
  await using f = fleet(1);
  const [only] = f.all;
  only!.breaker.trip('silent');
  f.pass(BREAKER.timeoutMs / 1_000, []);
  const { abandoned } = f.send(only!);
  f.pass(60, []);
  assert.deepEqual([abandoned, only!.breaker.state], [[], 'half_open']);
});

/** A worker whose health is asked on a real socket, silent for some seconds with one request waiting while its peer answers. */
async function suspected(health: 'good' | 'bad' | 'gone') {
  let asked = 0;
  const fake = await fakeWorker((_, response) => {
    asked++;
    response.writeHead(health === 'bad' && asked > 1 ? 503 : 200).end();
  });
  const f = fleet(2, { path: '/ready', intervalMs: 3_600_000 }, [fake.url]);
  const [stuck, peer] = f.all;
  await until(() => f.all.every(({ available }) => available));
  f.pass(1, f.all);
  const { abandoned } = f.send(stuck!);
  if (health === 'gone') await fake.close();
  f.pass(5, [peer!]);
  const dispose = async () => {
    await f[Symbol.asyncDispose]();
    await fake.close();
  };
  return { ...f, stuck: stuck!, peer: peer!, abandoned, asked: () => asked, [Symbol.asyncDispose]: dispose };
}

test('3 s of silence: its health is asked, and a bad answer ends the waiting', async () => {
  await using s = await suspected('bad');
  await until(() => s.abandoned.length === 1);
  assert.match(s.abandoned[0]!, /silent for 4 s .* its health check failed: \/ready answered 503/);
  assert.equal(s.stuck.breaker.state, 'open');
});

test('a good answer lets it go on', async () => {
  await using s = await suspected('good');
  await until(() => s.asked() === 2);
  s.pass(5, [s.peer]);
  await until(() => s.asked() === 3);
  await (await fetch(`${s.stuck.url}/health`)).text();
  assert.equal(s.asked(), 3);
  assert.deepEqual([s.abandoned, s.stuck.available], [[], true]);
});

test('nobody listens there: it is polled until it is back', async () => {
  await using s = await suspected('gone');
  await until(() => s.stuck.state.kind === 'starting');
  assert.match(s.stuck.problem ?? '', /ECONNREFUSED/);
});
