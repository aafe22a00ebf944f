import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { HealthOptions } from '../../src/fleet/health.ts';
import { failOn } from '../helpers/calls.ts';
import { fakeWorker } from '../helpers/fake-worker.ts';
import { HEALTH, testRegistry, whenAvailable } from '../helpers/test-registry.ts';
import { until } from '../helpers/test-router.ts';
import { VirtualClock } from '../helpers/virtual-clock.ts';

/** A worker whose health can be set, under a registry on a clock of its own. */
async function checked(options: Partial<HealthOptions> = {}) {
  const clock = new VirtualClock();
  const answer = { status: 200 };
  const fake = await fakeWorker((_, response) => response.writeHead(answer.status).end());
  const r = testRegistry({ path: '/ready', ...options }, {}, clock);
  const worker = r.workers.add({ url: fake.url });
  const checks = () => fake.seen.length;
  /** Moves on and waits for the check that is due then, and for what comes of it. */
  const next = async (ms: number, timers = TIMERS) => {
    const before = checks();
    clock.advance(ms);
    await until(() => checks() > before && clock.pending === timers);
  };
  /** Moves on; no check may be due. */
  const quiet = (ms: number) => {
    const timers = clock.pending;
    clock.advance(ms);
    assert.equal(clock.pending, timers, 'a check began');
  };
  const dispose = async () => {
    await r[Symbol.asyncDispose]();
    await fake.close();
  };
  return { ...r, clock, answer, fake, worker, checks, next, quiet, [Symbol.asyncDispose]: dispose };
}

/** The next check and the look for wedges: while a check is under way there is one less. */
const TIMERS = 2;

test('what is wrong with a starting worker can be read, and waits grow with the time spent', async () => {
  await using c = await checked();
  c.answer.status = 503;
  await until(() => c.worker.state.kind === 'starting' && c.worker.state.problem === '/ready answered 503');
  await until(() => c.clock.pending === TIMERS);
  c.quiet(99);
  await c.next(1);
  for (let spentMs = 200; spentMs <= 1_000; spentMs += 100) await c.next(100);
  await c.next(500);
  c.quiet(149);
  c.answer.status = 200;
  await c.next(1);
  assert.equal(c.worker.available, true);
});

test('a poke finds a worker that came up at once', async () => {
  await using c = await checked({ startupIntervalMs: 3_600_000 });
  c.answer.status = 503;
  await until(() => c.clock.pending === TIMERS);
  c.answer.status = 200;
  c.worker.poke();
  await until(() => c.worker.available);
});

test('a worker that is late beyond the start-up timeout is reported once and polled on', async () => {
  await using c = await checked({ overdueMs: 1_000 });
  c.answer.status = 503;
  await until(() => c.clock.pending === TIMERS);
  for (let i = 0; i < 5; i++) await c.next(1_000);
  assert.equal(c.lines.filter((line) => line.includes('--worker-startup-timeout-secs')).length, 1);
  c.answer.status = 200;
  await c.next(1_000);
  assert.equal(c.worker.available, true);
});

test('a worker that is not there after some seconds is told of once, with the reason; not when it is lost again', async () => {
  await using c = await checked({});
  c.answer.status = 503;
  await until(() => c.clock.pending === TIMERS);
  for (let i = 0; i < 9; i++) await c.next(1_000);
  c.answer.status = 200;
  await c.next(1_000);
  c.answer.status = 503;
  c.worker.lost('connect ECONNREFUSED');
  await until(() => c.clock.pending === TIMERS);
  for (let i = 0; i < 9; i++) await c.next(1_000);
  const told = c.lines.filter((line) => line.includes('worker not ready yet'));
  assert.equal(told.length, 1);
  assert.match(told[0] ?? '', /problem=.*answered 503/);
});

test("the worker's key goes with health checks", async () => {
  const keys: (string | undefined)[] = [];
  await using fake = await fakeWorker((request, response) => {
    keys.push(request.headers.authorization);
    response.end();
  });
  await using r = testRegistry({ path: '/ready' });
  r.workers.add({ url: fake.url, apiKey: 'k' });
  await whenAvailable(r.workers);
  assert.deepEqual(keys, ['Bearer k']);
});

test('a ready worker is checked at the interval; bad checks in a row take it out, good ones bring it back', async () => {
  await using c = await checked();
  await c.worker.whenReady(1_000);
  const { intervalMs } = HEALTH;
  c.quiet(intervalMs - 1);
  c.answer.status = 503;
  await c.next(1);
  await c.next(intervalMs);
  c.answer.status = 200;
  await c.next(intervalMs);
  c.answer.status = 503;
  await c.next(intervalMs);
  await c.next(intervalMs);
  assert.equal(c.worker.available, true);
  await c.next(intervalMs);
  assert.deepEqual([c.worker.state.kind, c.worker.problem], ['unhealthy', '/ready answered 503']);
  assert.deepEqual([c.workers.available(), c.workers.lastResort()], [[], c.worker.targets]);
  c.answer.status = 200;
  await c.next(intervalMs);
  assert.equal(c.worker.state.kind, 'unhealthy');
  await c.next(1_000);
  assert.equal(c.worker.state.kind, 'ready');
  assert.ok(!c.events.some((event) => event.startsWith('lost')));
});

test('a worker whose tokens flow is not taken out by bad checks', async () => {
  await using c = await checked();
  await c.worker.whenReady(1_000);
  c.answer.status = 503;
  const [target] = c.worker.targets;
  for (let i = 0; i < 10; i++) {
    target!.activity++;
    await c.next(HEALTH.intervalMs);
  }
  assert.equal(c.worker.state.kind, 'ready');
  for (let i = 0; i < 4; i++) await c.next(HEALTH.intervalMs);
  assert.equal(c.worker.state.kind, 'unhealthy');
});

test('nobody listens there any more: one check is enough, and a restart is noticed at the first fast poll', async () => {
  await using c = await checked();
  await c.worker.whenReady(1_000);
  await c.fake.close();
  c.clock.advance(HEALTH.intervalMs);
  await until(() => c.worker.state.kind === 'starting');
  assert.deepEqual([c.workers.available(), c.workers.lastResort()], [[], []]);
  assert.match(c.worker.problem ?? '', /ECONNREFUSED/);
  await until(() => c.clock.pending === TIMERS);
  await using _back = await fakeWorker((_, response) => void response.end(), c.fake.port);
  c.clock.advance(100);
  await until(() => c.worker.available);
  assert.ok(c.events.some((event) => event.startsWith('lost')));
});

test('an answer to a question from before the worker was lost does not bring it back', async () => {
  const { promise: asked, resolve } = Promise.withResolvers<() => void>();
  let questions = 0;
  await using fake = await fakeWorker((_, response) => {
    if (++questions === 2) resolve(() => response.end());
    else if (questions === 1) response.end();
  });
  const clock = new VirtualClock();
  await using r = testRegistry({ path: '/ready' }, {}, clock);
  const worker = r.workers.add({ url: fake.url });
  await worker.whenReady(1_000);
  clock.advance(HEALTH.intervalMs);
  const answer = await asked;
  worker.targets[0]!.unreachable('refused');
  await until(() => questions === 3);
  answer();
  await get(fake.url);
  assert.equal(worker.state.kind, 'starting');
});

/** A round trip to the worker by another way: what was sent to the router before has arrived. */
const get = async (url: string) => void (await (await fetch(`${url}/health`)).text());

test('half open it is checked every second, and good checks close the breaker', async () => {
  await using c = await checked();
  await c.worker.whenReady(1_000);
  const [target] = c.worker.targets;
  c.quiet(5_000);
  for (let i = 0; i < 3; i++) failOn(target!);
  await c.next(5_000, TIMERS + 1);
  for (let i = 0; i < 2; i++) await c.next(HEALTH.intervalMs, TIMERS + 1);
  c.quiet(4_999);
  assert.equal(c.worker.breaker.state, 'open');
  await c.next(1);
  assert.equal(c.worker.breaker.state, 'half_open');
  await c.next(1_000);
  assert.equal(c.worker.breaker.state, 'closed');
});

test('without health checks a worker is ready at once, is not asked, and comes back when somebody answers', async () => {
  await using c = await checked({ disabled: true });
  assert.equal(c.worker.available, true);
  c.quiet(10 * HEALTH.intervalMs);
  c.answer.status = 404;
  c.worker.targets[0]!.unreachable('connect ECONNREFUSED');
  assert.equal(c.worker.available, false);
  await until(() => c.worker.available);
  assert.deepEqual(c.fake.seen, ['GET /ready']);
});

test('one worker can be left unchecked, from the start or later', async () => {
  await using c = await checked();
  await c.worker.whenReady(1_000);
  c.answer.status = 503;
  for (let i = 0; i < 3; i++) await c.next(HEALTH.intervalMs);
  assert.equal(c.worker.state.kind, 'unhealthy');
  c.workers.update(c.worker, { disableHealthCheck: true });
  assert.equal(c.worker.available, true);
  assert.equal(c.workers.add({ url: 'http://127.0.0.1:9', disableHealthCheck: true }).available, true);
});
