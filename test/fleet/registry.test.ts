import assert from 'node:assert/strict';
import { once } from 'node:events';
import type { ServerResponse } from 'node:http';
import { test } from 'node:test';
import { get } from '../../src/http/upstream/get.ts';
import { aCall, endOf, failOn } from '../helpers/calls.ts';
import { answering, fakeWorker } from '../helpers/fake-worker.ts';
import { type TestRegistry, testRegistry, whenAvailable } from '../helpers/test-registry.ts';
import { until } from '../helpers/test-router.ts';
import { VirtualClock } from '../helpers/virtual-clock.ts';

const urlsOf = (targets: readonly { readonly url: string }[]) => targets.map(({ url }) => url);

/** One request on that worker, as the data path makes it; resolves when it is over. */
async function request({ workers, slots }: TestRegistry, url: string): Promise<string> {
  const { client, slot } = workers.get(url)!.targets[0]!;
  slots.take(slot);
  try {
    const { body } = await get(client, '/generate', { headers: {}, timeoutMs: 10_000, maxBytes: 100 });
    return body.toString();
  } finally {
    slots.give(slot);
  }
}

test('a worker starts, is polled, and is available once it answers', async () => {
  await using worker = await fakeWorker(answering(''));
  await using r = testRegistry();
  const added = r.workers.add({ url: worker.url });
  assert.equal(added.state.kind, 'starting');
  assert.deepEqual(r.workers.available(), []);
  await whenAvailable(r.workers);
  assert.equal(added.state.kind, 'ready');
  assert.deepEqual(r.workers.available(), added.targets);
});

test('the same URL is one worker, with or without a slash at its end; its id names it too', async () => {
  await using r = testRegistry();
  const added = r.workers.add({ url: 'http://127.0.0.1:9/' });
  assert.equal(r.workers.add({ url: 'http://127.0.0.1:9' }), added);
  assert.equal(r.workers.workers.length, 1);
  assert.match(added.id, /^[0-9a-f-]{36}$/);
  for (const name of [added.id, 'http://127.0.0.1:9', 'http://127.0.0.1:9//']) assert.equal(r.workers.get(name), added);
  assert.equal(r.workers.get('http://127.0.0.1:10'), undefined);
});

test('the port that the scheme implies may be left out: one server is one worker', async () => {
  await using r = testRegistry();
  const plain = r.workers.add({ url: 'http://127.0.0.1' });
  assert.equal(r.workers.add({ url: 'http://127.0.0.1:80' }), plain);
  const secure = r.workers.add({ url: 'https://127.0.0.1:443/x' });
  assert.equal(r.workers.get('https://127.0.0.1/x/'), secure);
  assert.equal(secure.url, 'https://127.0.0.1:443/x');
  assert.notEqual(r.workers.add({ url: 'https://127.0.0.1:80/x' }), secure);
  assert.equal(await r.workers.remove('http://127.0.0.1:80', 0), true);
  assert.equal(r.workers.workers.length, 2);
});

test('each role has its own workers', async () => {
  await using prefill = await fakeWorker(answering(''));
  await using decode = await fakeWorker(answering(''));
  await using r = testRegistry();
  r.workers.add({ url: prefill.url, role: 'prefill', bootstrapPort: 8998 });
  r.workers.add({ url: decode.url, role: 'decode' });
  await until(() => r.events.filter((event) => event.startsWith('available')).length === 2);
  assert.deepEqual(urlsOf(r.workers.available('prefill')), [prefill.url]);
  assert.deepEqual(urlsOf(r.workers.available('decode')), [decode.url]);
  assert.deepEqual(r.workers.available(), []);
  assert.deepEqual(r.workers.lastResort(), []);
  assert.deepEqual(urlsOf(r.workers.lastResort('decode')), [decode.url]);
});

test('an array that a request holds does not change under it', async () => {
  await using worker = await fakeWorker(answering(''));
  await using r = testRegistry();
  const added = r.workers.add({ url: worker.url });
  await whenAvailable(r.workers);
  const held = r.workers.available();
  added.lost('refused');
  assert.deepEqual([held.length, r.workers.available().length], [1, 0]);
});

test('a failed worker is out at once and stays out until its process was started again', async () => {
  await using worker = await fakeWorker(answering(''));
  await using r = testRegistry();
  const added = r.workers.add({ url: worker.url });
  await whenAvailable(r.workers);
  r.workers.fail(worker.url, 'exited with code 1');
  assert.deepEqual([r.workers.available(), r.workers.lastResort()], [[], []]);
  assert.deepEqual(added.state, { kind: 'failed', reason: 'exited with code 1' });
  added.poke();
  added.targets[0]!.unreachable('refused');
  assert.equal(added.state.kind, 'failed');
  assert.ok(r.lines.some((line) => line.includes('worker gone') && line.includes('exited with code 1')));
  r.workers.revive(worker.url);
  await whenAvailable(r.workers);
  assert.equal(added.available, true);
});

test('what becomes of a worker is told, once each', async () => {
  await using worker = await fakeWorker(answering(''));
  await using r = testRegistry();
  const { url } = worker;
  const told = () => r.events.splice(0).map((event) => event.replace(` ${url}`, ''));
  const added = r.workers.add({ url });
  added.notYet('not asked yet');
  assert.deepEqual(told(), []);
  await once(r.workers, 'learned');
  assert.deepEqual(told(), ['available', 'learned']);
  added.lost('refused');
  added.lost('refused');
  assert.deepEqual(told(), ['unavailable', 'lost']);
  await once(r.workers, 'learned');
  assert.deepEqual(told(), ['available', 'learned']);
  await r.workers.remove(url);
  assert.deepEqual(told(), ['unavailable', 'remove']);
});

test('a worker that comes back starts with a closed breaker', async () => {
  await using worker = await fakeWorker(answering(''));
  await using r = testRegistry();
  const added = r.workers.add({ url: worker.url });
  await whenAvailable(r.workers);
  added.breaker.trip('silent');
  assert.deepEqual([added.available, added.problem], [false, 'taken out by the circuit breaker: silent']);
  added.lost('refused');
  await whenAvailable(r.workers);
  assert.equal(added.breaker.state, 'closed');
});

test('the last resort: what answers, the least bad first, and never what is gone', async () => {
  const clock = new VirtualClock();
  await using fakes = new AsyncDisposableStack();
  await using r = testRegistry({}, {}, clock);
  const add = async () => {
    const worker = r.workers.add({ url: fakes.use(await fakeWorker(answering(''))).url });
    await whenAvailable(r.workers);
    return worker;
  };
  const [worst, late, early, gone, lost, removed] = [
    await add(),
    await add(),
    await add(),
    await add(),
    await add(),
    await add(),
  ];
  const fail = (worker: typeof worst, times: number) => {
    const [target] = worker.targets;
    for (let i = 0; i < times; i++) failOn(target!);
  };
  fail(early, 3);
  clock.advance(1_000);
  fail(late, 3);
  fail(worst, 3);
  fail(worst, 1);
  r.workers.fail(gone.url, 'exited');
  await r.workers.remove(removed.url);
  lost.lost('refused');
  assert.deepEqual(r.workers.available(), []);
  assert.deepEqual(urlsOf(r.workers.lastResort()), urlsOf([early, late, worst]));
  const [target] = early.targets;
  failOn(target!);
  assert.equal(r.workers.lastResort()[0]?.url, late.url);
});

test('half open, one request at a time finds it available', async () => {
  const clock = new VirtualClock();
  await using worker = await fakeWorker((_request, _response) => {});
  await using r = testRegistry({ disabled: true }, {}, clock);
  const [target] = r.workers.add({ url: worker.url }).targets;
  for (let i = 0; i < 3; i++) failOn(target!);
  assert.deepEqual(r.workers.available(), []);
  clock.advance(30_000);
  assert.deepEqual(r.workers.available(), [target]);
  const call = aCall();
  const ticket = target!.chosen(call);
  assert.deepEqual(r.workers.available(), []);
  target!.settled(call, endOf('none'), ticket);
  assert.deepEqual(r.workers.available(), [target]);
});

test('an idle worker is removed at once, and a second removal says that there is none', async () => {
  await using worker = await fakeWorker(answering(''));
  await using r = testRegistry();
  const added = r.workers.add({ url: worker.url });
  await whenAvailable(r.workers);
  const removal = r.workers.remove(worker.url);
  assert.deepEqual([r.workers.available().length, r.workers.workers.length], [0, 0]);
  assert.deepEqual([added.state.kind, r.workers.get(added.id)], ['draining', undefined]);
  assert.equal(await removal, true);
  assert.equal(await r.workers.remove(worker.url), false);
});

test('a removed worker finishes what runs on it, while the same URL is a new worker', async () => {
  const waiting: ServerResponse[] = [];
  await using worker = await fakeWorker((_, response) => void waiting.push(response));
  await using r = testRegistry();
  const old = r.workers.add({ url: worker.url });
  await whenAvailable(r.workers);
  const running = request(r, worker.url);
  await until(() => waiting.length === 1);
  let removed = false;
  const removal = r.workers.remove(worker.url).then((known) => {
    removed = true;
    return known;
  });
  assert.equal(await r.workers.remove(worker.url), false);
  const renewed = r.workers.add({ url: worker.url });
  assert.notEqual(renewed, old);
  assert.notEqual(renewed.targets[0]!.slot, old.targets[0]!.slot);
  await whenAvailable(r.workers);
  assert.equal(removed, false);
  waiting[0]!.end('whole');
  assert.equal(await running, 'whole');
  assert.equal(await removal, true);
  assert.deepEqual(r.workers.available(), renewed.targets);
});

test('when the grace is over what still runs is cut, and the slot is free', async () => {
  await using worker = await fakeWorker(() => {});
  await using r = testRegistry();
  const added = r.workers.add({ url: worker.url });
  await whenAvailable(r.workers);
  const running = assert.rejects(request(r, worker.url));
  await until(() => worker.seen.length === 1);
  assert.equal(await r.workers.remove(worker.url, 10), true);
  await running;
  assert.equal(r.slots.claim(), added.targets[0]!.slot);
  assert.ok(r.lines.some((line) => line.includes('requests cut off') && line.includes('requests=1')));
});

test('a change in place keeps load, breaker and connections', async () => {
  await using worker = await fakeWorker(answering(''));
  await using r = testRegistry();
  const added = r.workers.add({ url: worker.url, priority: 1, labels: { zone: 'a' } });
  await whenAvailable(r.workers);
  added.breaker.trip('silent');
  r.workers.update(added, { apiKey: 'k', labels: { zone: 'b' } });
  assert.deepEqual(added.spec, { url: worker.url, priority: 1, apiKey: 'k', labels: { zone: 'b' } });
  assert.deepEqual([added.targets[0]!.authorization, added.breaker.state], ['Bearer k', 'open']);
});

test('whoever waits for a worker is told when it is ready, or why it is not', async () => {
  let healthy = false;
  await using worker = await fakeWorker((_, response) => response.writeHead(healthy ? 200 : 503).end());
  await using r = testRegistry({ path: '/ready' });
  const added = r.workers.add({ url: worker.url });
  await assert.rejects(added.whenReady(50), { message: '/ready answered 503' });
  healthy = true;
  await added.whenReady(10_000);
  await added.whenReady(0);
  r.workers.fail(worker.url, 'exited with code 1');
  await assert.rejects(added.whenReady(10_000), { message: 'exited with code 1' });
  r.workers.revive(worker.url);
  const waiting = assert.rejects(added.whenReady(10_000), { message: 'removed' });
  await r.workers.remove(worker.url);
  await waiting;
});

test('nothing is left running after close', async () => {
  const clock = new VirtualClock();
  await using worker = await fakeWorker(answering(''));
  const r = testRegistry({}, {}, clock);
  r.workers.add({ url: 'http://127.0.0.1:9' });
  const added = r.workers.add({ url: worker.url });
  await once(r.workers, 'learned');
  added.breaker.trip('silent');
  await r.workers.remove(r.workers.add({ url: 'http://127.0.0.1:10' }).url, 60_000);
  await r.workers.close();
  assert.equal(clock.pending, 0);
});
