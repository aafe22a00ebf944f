import assert from 'node:assert/strict';
import { test } from 'node:test';
import { KubernetesWorkers } from '../../../../src/fleet/sources/kubernetes/kubernetes-workers.ts';
import { Reconciler } from '../../../../src/fleet/sources/reconciler.ts';
import type { Role } from '../../../../src/fleet/worker-spec.ts';
import { createLog } from '../../../../src/observe/log/log.ts';
import { FakeKubernetes } from '../../../helpers/fake-kubernetes.ts';
import { answering, fakeWorker } from '../../../helpers/fake-worker.ts';
import { testRegistry } from '../../../helpers/test-registry.ts';
import { until } from '../../../helpers/test-router.ts';

/** A watch alone must do, unless a test is about lists. */
const NEVER_MS = 600_000;
const APP = { app: 'sglang' };

interface Options {
  readonly namespace?: string;
  readonly selectors?: readonly (readonly [Role, string])[];
  readonly port?: number;
  readonly listEveryMs?: number;
  readonly answerMs?: number;
  readonly firstRetryMs?: number;
  readonly longestRetryMs?: number;
}

/** Discovery in a fake cluster, with the registry that it fills. */
function discover(kubernetes: FakeKubernetes, options: Options = {}) {
  const { namespace, selectors = [['regular', 'app=sglang']], port = 1 } = options;
  const registry = testRegistry();
  const log = createLog('debug', (line) => registry.lines.push(line));
  const reconciler = new Reconciler(registry.workers, log);
  const roles = selectors.map(([role]) => role);
  const source = new KubernetesWorkers(
    {
      cluster: kubernetes.cluster,
      namespace,
      selectors: new Map(selectors),
      naming: { port, bootstrapAnnotation: 'sglang.ai/bootstrap-port', apiKey: 'key', roles },
      feed: { listEveryMs: NEVER_MS, firstRetryMs: 5, longestRetryMs: 50, ...options },
    },
    log,
  );
  reconciler.follow(source);
  const { workers, lines } = registry;
  const urls = () => workers.workers.map(({ url, role }) => (role === 'regular' ? url : `${role} ${url}`));
  return {
    registry: workers,
    slots: registry.slots,
    lines,
    source,
    has: (...wanted: string[]) => until(() => String(urls().sort()) === String(wanted.sort())),
    said: (pattern: RegExp) => until(() => lines.some((line) => pattern.test(line))),
    [Symbol.asyncDispose]: async () => {
      reconciler.close();
      await registry[Symbol.asyncDispose]();
    },
  };
}

test('pods that are ready are workers; the API server is asked by selector and namespace', async () => {
  await using kubernetes = await FakeKubernetes.start();
  kubernetes.set('a', { ip: '127.0.0.2', labels: APP });
  kubernetes.set('other', { ip: '127.0.0.3', labels: { app: 'else' } });
  kubernetes.set('far', { ip: '127.0.0.4', labels: APP, namespace: 'elsewhere' });
  kubernetes.set('starting', { ip: '127.0.0.5', labels: APP, ready: false });
  kubernetes.set('scheduled', { labels: APP });
  await using found = discover(kubernetes, { namespace: 'default', port: 8000 });
  await found.has('http://127.0.0.2:8000');
  const [url] = kubernetes.asked;
  assert.equal(url?.pathname, '/api/v1/namespaces/default/pods');
  assert.equal(url.searchParams.get('labelSelector'), 'app=sglang');
  const [worker] = found.registry.workers;
  assert.deepEqual([worker?.spec.source, worker?.spec.apiKey], ['kubernetes', 'key']);
  kubernetes.set('starting', { ready: true });
  kubernetes.set('scheduled', { ip: '127.0.0.6' });
  await found.has('http://127.0.0.2:8000', 'http://127.0.0.5:8000', 'http://127.0.0.6:8000');
});

test('without a namespace those of all are found; IPv6 addresses have their brackets', async () => {
  await using kubernetes = await FakeKubernetes.start();
  kubernetes.set('a', { ip: 'fd00::1', labels: APP });
  kubernetes.set('b', { ip: '127.0.0.4', labels: APP, namespace: 'elsewhere' });
  await using found = discover(kubernetes, { port: 8000 });
  await found.has('http://[fd00::1]:8000', 'http://127.0.0.4:8000');
  assert.equal(kubernetes.asked[0]?.pathname, '/api/v1/pods');
});

test('a pod that is not ready, deleted, relabelled, without address or gone leaves at once', async () => {
  await using kubernetes = await FakeKubernetes.start();
  const all = ['flips', 'deleted', 'relabelled', 'moves', 'gone'];
  for (const [at, name] of all.entries()) kubernetes.set(name, { ip: `127.0.0.${at + 10}`, labels: APP });
  await using found = discover(kubernetes);
  const url = (at: number) => `http://127.0.0.${at}:1`;
  await found.has(...all.map((_, at) => url(at + 10)));
  await until(() => kubernetes.watches === 1);
  kubernetes.set('flips', { ready: false });
  await found.has(url(11), url(12), url(13), url(14));
  kubernetes.set('deleted', { deleting: true });
  await found.has(url(12), url(13), url(14));
  kubernetes.set('relabelled', { labels: { app: 'else' } });
  await found.has(url(13), url(14));
  kubernetes.set('moves', { ip: '127.0.0.20' });
  await found.has(url(14), url(20));
  kubernetes.delete('gone');
  await found.has(url(20));
  kubernetes.set('flips', { ready: true });
  kubernetes.set('relabelled', { labels: APP });
  await found.has(url(20), url(10), url(12));
});

test('a pod that leaves may finish what runs there; nothing new is sent', async () => {
  await using worker = await fakeWorker(answering(''));
  await using kubernetes = await FakeKubernetes.start();
  kubernetes.set('a', { ip: '127.0.0.1', labels: APP });
  await using found = discover(kubernetes, { port: worker.port });
  await until(() => found.registry.available().length === 1);
  const slot = found.registry.available()[0]?.slot ?? -1;
  found.slots.take(slot);
  kubernetes.set('a', { deleting: true });
  await found.has();
  assert.deepEqual(
    found.registry.draining.map(({ url }) => url),
    [worker.url],
  );
  found.slots.give(slot);
  await until(() => found.registry.draining.length === 0);
});

test('a new pod on an old address is a new worker', async () => {
  await using worker = await fakeWorker(answering(''));
  await using kubernetes = await FakeKubernetes.start();
  kubernetes.set('a', { ip: '127.0.0.1', labels: APP });
  await using found = discover(kubernetes, { port: worker.port });
  await until(() => found.registry.available().length === 1);
  const [before] = found.registry.workers;
  kubernetes.set('b', { ip: '127.0.0.1', labels: APP, ready: false });
  kubernetes.delete('a');
  kubernetes.set('b', { ready: true });
  await until(() => found.registry.workers[0] !== before && found.registry.available().length === 1);
  assert.equal(found.registry.workers.length, 1);
});

test('roles are those of the selectors, the first that matches; a relabelled pod changes its role', async () => {
  await using kubernetes = await FakeKubernetes.start();
  const selectors = [
    ['prefill', 'app=sglang,role in (prefill,both)'],
    ['decode', 'app=sglang,role in (decode,both)'],
  ] as const;
  const annotations = { 'sglang.ai/bootstrap-port': '9001' };
  kubernetes.set('p', { ip: '127.0.0.2', labels: { ...APP, role: 'prefill' }, annotations });
  kubernetes.set('d', { ip: '127.0.0.3', labels: { ...APP, role: 'decode' }, annotations });
  kubernetes.set('b', { ip: '127.0.0.4', labels: { ...APP, role: 'both' } });
  await using found = discover(kubernetes, { selectors });
  await found.has('prefill http://127.0.0.2:1', 'decode http://127.0.0.3:1', 'prefill http://127.0.0.4:1');
  assert.equal(found.registry.get('http://127.0.0.2:1')?.spec.bootstrapPort, 9001);
  assert.equal(found.registry.get('http://127.0.0.3:1')?.spec.bootstrapPort, undefined);
  await until(() => kubernetes.watches === 2);
  kubernetes.set('p', { labels: { ...APP, role: 'decode' } });
  kubernetes.set('d', { labels: { ...APP, role: 'prefill' } });
  await found.has('decode http://127.0.0.2:1', 'prefill http://127.0.0.3:1', 'prefill http://127.0.0.4:1');
  assert.equal(found.registry.get('http://127.0.0.3:1')?.spec.bootstrapPort, 9001);
});

test('annotations of a pod come first; one that cannot be read is told of and ignored', async () => {
  await using kubernetes = await FakeKubernetes.start();
  const selectors = [
    ['prefill', 'role=prefill'],
    ['decode', 'role=decode'],
  ] as const;
  const labels = { role: 'prefill' };
  kubernetes.set('a', {
    ip: '127.0.0.2',
    labels,
    annotations: { 'sglang.ai/port': '7', 'sglang.ai/model': 'qwen', 'sglang.ai/role': 'decode' },
  });
  const wrong = { 'sglang.ai/port': 'http', 'sglang.ai/role': 'regular', 'sglang.ai/bootstrap-port': '0' };
  kubernetes.set('b', { ip: '127.0.0.3', labels, annotations: wrong });
  await using found = discover(kubernetes, { selectors });
  await found.has('decode http://127.0.0.2:7', 'prefill http://127.0.0.3:1');
  assert.equal(found.registry.get('http://127.0.0.2:7')?.modelId, 'qwen');
  for (const key of Object.keys(wrong))
    await found.said(new RegExp(`WARNING .*pod=default/b problem="${key}: expected`));
});

test('of a long list all pages are read', async () => {
  await using kubernetes = await FakeKubernetes.start();
  const urls = Array.from({ length: 250 }, (_, at) => `127.0.1.${at + 1}`);
  for (const ip of urls) kubernetes.set(ip, { ip, labels: APP });
  await using found = discover(kubernetes);
  await found.has(...urls.map((ip) => `http://${ip}:1`));
});

test('a watch that ends or breaks goes on from where it was, a bookmark included; one that is too old begins with a list', async () => {
  await using kubernetes = await FakeKubernetes.start();
  await using found = discover(kubernetes);
  const lists = () => kubernetes.asked.filter(({ searchParams }) => !searchParams.has('watch')).length;
  await until(() => kubernetes.watches === 1);
  kubernetes.bookmark();
  kubernetes.set('a', { ip: '127.0.0.2', labels: APP });
  await found.has('http://127.0.0.2:1');
  kubernetes.dropWatches();
  kubernetes.set('b', { ip: '127.0.0.3', labels: APP });
  await found.has('http://127.0.0.2:1', 'http://127.0.0.3:1');
  await until(() => kubernetes.watches === 1);
  const before = lists();
  kubernetes.compact();
  kubernetes.delete('a');
  kubernetes.dropWatches();
  await found.has('http://127.0.0.3:1');
  assert.ok(lists() > before);
});

test('what a silent watch does not tell the next list does', async () => {
  await using kubernetes = await FakeKubernetes.start();
  kubernetes.set('a', { ip: '127.0.0.2', labels: APP });
  await using found = discover(kubernetes, { listEveryMs: 50 });
  await found.has('http://127.0.0.2:1');
  kubernetes.silent = true;
  kubernetes.set('b', { ip: '127.0.0.3', labels: APP });
  kubernetes.delete('a');
  await found.has('http://127.0.0.3:1');
});

test('while the API server is away the workers stay; stale says since when', async () => {
  await using kubernetes = await FakeKubernetes.start();
  kubernetes.set('a', { ip: '127.0.0.2', labels: APP });
  await using found = discover(kubernetes, { answerMs: 50, listEveryMs: 50 });
  await found.has('http://127.0.0.2:1');
  assert.equal(found.source.stale, undefined);
  kubernetes.hanging = true;
  kubernetes.dropWatches();
  await until(() => found.source.stale !== undefined);
  await found.said(/WARNING .*cannot be asked.*no answer within 0.05 s/);
  assert.equal(found.registry.workers.length, 1);
  const { sinceMs = 0 } = found.source.stale ?? {};
  assert.ok(Date.now() - sinceMs < 60_000);
  kubernetes.set('b', { ip: '127.0.0.3', labels: APP });
  kubernetes.hanging = false;
  await found.has('http://127.0.0.2:1', 'http://127.0.0.3:1');
  assert.equal(found.source.stale, undefined);
  await found.said(/INFO .*answers again/);
});

test('an API server that goes on failing is asked more and more rarely', async () => {
  await using kubernetes = await FakeKubernetes.start();
  kubernetes.refusal = { status: 500, message: 'etcd is away' };
  await using found = discover(kubernetes, { firstRetryMs: 1, longestRetryMs: NEVER_MS });
  await until(() => kubernetes.asked.length >= 5);
  await new Promise((resolve) => setTimeout(resolve, 300));
  // After twenty failures it would wait for minutes; without a back-off there would be hundreds by now.
  assert.ok(kubernetes.asked.length < 30, String(kubernetes.asked.length));
  assert.equal(found.registry.workers.length, 0);
});

test('who may not list pods is told what to apply, once, and served when that is done', async () => {
  await using kubernetes = await FakeKubernetes.start();
  kubernetes.set('a', { ip: '127.0.0.2', labels: APP, namespace: 'prod' });
  const message = 'pods is forbidden: User "system:serviceaccount:web:router" cannot list resource "pods"';
  kubernetes.refusal = { status: 403, message };
  await using found = discover(kubernetes, { namespace: 'prod' });
  await until(() => kubernetes.asked.length > 3);
  const told = found.lines.filter((line) => line.includes('may not list and watch pods'));
  assert.equal(told.length, 1);
  assert.match(told[0] ?? '', /kind: Role\nmetadata: {name: sglang-router-discovery, namespace: prod}\n/);
  assert.match(told[0] ?? '', /resources: \[pods\], verbs: \[list, watch\]}/);
  assert.match(told[0] ?? '', /- {kind: ServiceAccount, name: router, namespace: web}\nEOF/);
  kubernetes.refusal = undefined;
  await found.has('http://127.0.0.2:1');
});

test('nobody found yet is a warning with selector and namespace; told again only when it is so again', async () => {
  await using kubernetes = await FakeKubernetes.start();
  await using found = discover(kubernetes, { namespace: 'prod', listEveryMs: 20 });
  await found.said(/WARNING .*no pod matches the selector.* role=regular selector="?app=sglang"? namespace=prod/);
  await until(() => kubernetes.asked.length > 5);
  assert.equal(found.lines.filter((line) => /no pod/.test(line)).length, 1);
  kubernetes.set('a', { ip: '127.0.0.2', labels: APP, namespace: 'prod' });
  await found.has('http://127.0.0.2:1');
  kubernetes.set('a', { ready: false });
  await found.said(/WARNING .*no pod that matches the selector is ready/);
});
