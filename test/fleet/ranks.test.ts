import assert from 'node:assert/strict';
import { once } from 'node:events';
import { test } from 'node:test';
import type { HealthOptions } from '../../src/fleet/health.ts';
import { MAX_SLOTS } from '../../src/fleet/slots.ts';
import type { Worker } from '../../src/fleet/worker.ts';
import { answering, type FakeWorker, fakeWorker } from '../helpers/fake-worker.ts';
import { testRegistry } from '../helpers/test-registry.ts';
import { until } from '../helpers/test-router.ts';

interface Told extends FakeWorker {
  /** What it says of itself from now on. */
  says(info: object): void;
}

/** A server that tells of itself what it is told to, at first nothing. */
async function server(info?: object): Promise<Told> {
  const facts: Record<string, string> = {};
  const worker = await fakeWorker(answering(''), 0, facts);
  const says = (fields: object) => {
    facts['/server_info'] = JSON.stringify(fields);
  };
  if (info) says(info);
  return Object.assign(worker, { says });
}

const ranked = (health: Partial<HealthOptions> = {}) =>
  testRegistry({ startupIntervalMs: 20, ...health }, {}, undefined, true);

const ranksOf = ({ targets }: Worker) => targets.map(({ rank }) => rank);

test('each data-parallel rank is a target with counters of its own, all of one server', async () => {
  await using worker = await server({ dp_size: 3, max_total_num_tokens: 100 });
  await using r = ranked();
  const added = r.workers.add({ url: worker.url, apiKey: 'k' });
  assert.equal(added.targets.length, 0);
  await added.whenReady(5_000);
  assert.deepEqual(ranksOf(added), [0, 1, 2]);
  assert.deepEqual(
    added.targets.map(({ url }) => url),
    [0, 1, 2].map((rank) => `${worker.url}@${rank}`),
  );
  assert.deepEqual(r.workers.available(), added.targets);
  assert.equal(new Set(added.targets.map(({ slot }) => slot)).size, 3);
  r.slots.take(added.targets[1]!.slot);
  assert.deepEqual([added.targets.map(({ load }) => load), added.load], [[0, 1, 0], 1]);
  for (const target of added.targets) {
    assert.deepEqual(
      [target.client, target.authorization, target.kvCapacityTokens],
      [added.client, added.targets[0]!.authorization, 100],
    );
  }
  assert.deepEqual(r.events, [`available ${worker.url}`, `learned ${worker.url}`]);
});

test('a server with one rank is one target without a rank, and so is any where ranks are not asked for', async () => {
  await using one = await server({ dp_size: 1 });
  await using two = await server({ dp_size: 2 });
  await using r = ranked();
  const single = r.workers.add({ url: one.url });
  await single.whenReady(5_000);
  assert.deepEqual([ranksOf(single), single.targets[0]!.url], [[undefined], one.url]);
  await using plain = testRegistry();
  const whole = plain.workers.add({ url: two.url });
  await whole.whenReady(5_000);
  assert.deepEqual(ranksOf(whole), [undefined]);
});

test('a server that does not tell its ranks gets nothing, is asked again, and joins when it tells', async () => {
  await using worker = await server();
  await using r = ranked();
  const added = r.workers.add({ url: worker.url });
  await until(() => added.problem?.includes('ranks') === true);
  assert.match(added.problem ?? '', /data-parallel ranks is not known: \/server_info answered 404/);
  worker.says({ model_path: '/m' });
  await until(() => added.problem?.includes('no dp_size in its server info') === true);
  assert.deepEqual([r.workers.available(), added.state.kind], [[], 'starting']);
  worker.says({ dp_size: 2 });
  await until(() => added.available);
  assert.deepEqual(ranksOf(added), [0, 1]);
});

test('ranks change with a restart only; the same number stays as it is', async () => {
  await using worker = await server({ dp_size: 2 });
  await using r = ranked();
  const added = r.workers.add({ url: worker.url });
  await added.whenReady(5_000);
  const { targets } = added;
  const comesBack = async () => {
    r.workers.fail(worker.url, 'exited with code 1');
    r.workers.revive(worker.url);
    await added.whenReady(5_000);
  };
  await comesBack();
  assert.equal(added.targets, targets);
  worker.says({ dp_size: 4 });
  added.becomeUnhealthy('slow');
  added.becomeReady();
  assert.equal(added.targets, targets);
  await comesBack();
  assert.deepEqual(ranksOf(added), [0, 1, 2, 3]);
  assert.deepEqual(r.workers.available(), added.targets);
  const freed = [r.slots.claim(), r.slots.claim()];
  assert.deepEqual(freed.sort(), targets.map(({ slot }) => slot).sort());
});

test('without health checks the ranks are asked for all the same', async () => {
  await using worker = await server({ dp_size: 2 });
  await using r = ranked({ disabled: true });
  const added = r.workers.add({ url: worker.url });
  assert.equal(added.available, false);
  await added.whenReady(5_000);
  assert.deepEqual(ranksOf(added), [0, 1]);
});

test('more ranks than there are counters for: said, and none is taken', async () => {
  await using worker = await server({ dp_size: MAX_SLOTS + 1 });
  await using r = ranked();
  const added = r.workers.add({ url: worker.url });
  await until(() => added.problem?.includes(`at most ${MAX_SLOTS}`) === true);
  assert.equal(added.targets.length, 0);
  assert.ok(r.slots.claim() < MAX_SLOTS);
});

test('a server is removed with all its ranks, when the last request on any of them has ended', async () => {
  await using worker = await server({ dp_size: 2 });
  await using r = ranked();
  const added = r.workers.add({ url: worker.url });
  await added.whenReady(5_000);
  const { slot } = added.targets[1]!;
  r.slots.take(slot);
  let removed = false;
  const removal = r.workers.remove(worker.url).then(() => {
    removed = true;
  });
  assert.deepEqual([r.workers.available(), r.workers.workers], [[], []]);
  await new Promise((resolve) => setImmediate(resolve));
  assert.equal(removed, false);
  r.slots.give(slot);
  await removal;
});

test('the bootstrap port of a prefill server: as given, none, else its own', async () => {
  await using worker = await server({ disaggregation_bootstrap_port: 9001 });
  const portOf = async (bootstrapPort?: number | null, role: Worker['role'] = 'prefill') => {
    await using r = testRegistry();
    const added = r.workers.add({ url: worker.url, role, bootstrapPort });
    await added.whenReady(5_000);
    return added.targets[0]!.bootstrapPort;
  };
  assert.deepEqual([await portOf(9000), await portOf(null), await portOf()], [9000, null, 9001]);
  assert.equal(await portOf(undefined, 'decode'), null);
  worker.says({});
  assert.equal(await portOf(), null);
});

test('the bootstrap host is that of the URL, without brackets', async () => {
  await using r = testRegistry();
  for (const [url, host] of [
    ['http://prefill-0.svc:8000/base', 'prefill-0.svc'],
    ['http://[::1]:8000', '::1'],
  ] as const) {
    assert.equal(r.workers.add({ url, role: 'prefill' }).targets[0]!.bootstrapHost, host);
  }
});

test('a prefill server that breaks off when it is asked for its port does not serve without', async () => {
  let broken = true;
  await using worker = await fakeWorker(answering(''), 0, { '/server_info': '{"disaggregation_bootstrap_port":9001}' });
  worker.server.prependListener('request', ({ url, socket }) => {
    if (broken && url === '/server_info') socket.destroy();
  });
  await using r = testRegistry({ startupIntervalMs: 20 });
  const added = r.workers.add({ url: worker.url, role: 'prefill' });
  while (added.problem === 'not asked yet') await once(r.workers, 'change');
  assert.deepEqual(r.workers.available('prefill'), []);
  broken = false;
  await added.whenReady(5_000);
  assert.equal(added.bootstrapPort, 9001);
});
