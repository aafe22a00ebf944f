import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { resolveRouter } from '../../../../src/config/resolve.ts';
import { RouterPods } from '../../../../src/fleet/sources/kubernetes/router-pods.ts';
import { followRouters } from '../../../../src/fleet/sources/sources.ts';
import { createLog } from '../../../../src/observe/log/log.ts';
import { FakeKubernetes } from '../../../helpers/fake-kubernetes.ts';
import { until } from '../../../helpers/test-router.ts';

function follow(kubernetes: FakeKubernetes) {
  let urls: readonly string[] = [];
  const lines: string[] = [];
  const pods = new RouterPods(
    {
      cluster: kubernetes.cluster,
      namespace: 'default',
      selector: 'app=router',
      port: 30_000,
      feed: { listEveryMs: 600_000, firstRetryMs: 5, longestRetryMs: 50 },
    },
    (found) => {
      urls = found;
    },
    createLog('debug', (line) => lines.push(line)),
  );
  return {
    lines,
    has: (...wanted: string[]) => until(() => String([...urls].sort()) === String(wanted)),
    [Symbol.dispose]: () => pods.close(),
  };
}

test('the pods of the routers are followed, also those that wait for workers', async () => {
  await using kubernetes = await FakeKubernetes.start();
  const labels = { app: 'router' };
  kubernetes.set('a', { ip: '10.0.0.1', labels });
  kubernetes.set('b', { ip: 'fd00::2', labels, ready: false });
  kubernetes.set('worker', { ip: '10.0.0.9', labels: { app: 'worker' } });
  using routers = follow(kubernetes);
  await routers.has('http://10.0.0.1:30000', 'http://[fd00::2]:30000');
  kubernetes.set('c', { ip: '10.0.0.3', labels });
  kubernetes.delete('a');
  await routers.has('http://10.0.0.3:30000', 'http://[fd00::2]:30000');
  assert.deepEqual(routers.lines, []);
});

const WORKERS_IN = ['--service-discovery-namespace', 'pool'];
for (const [flags, path] of [
  [[], '/api/v1/pods'],
  [WORKERS_IN, '/api/v1/namespaces/pool/pods'],
  [['--peer-namespace', 'front'], '/api/v1/namespaces/front/pods'],
  [[...WORKERS_IN, '--peer-namespace', 'front'], '/api/v1/namespaces/front/pods'],
] as const) {
  test(`routers are looked for at ${path} with ${flags.join(' ') || 'no namespace'}`, async (t) => {
    await using kubernetes = await FakeKubernetes.start();
    const folder = mkdtempSync(join(tmpdir(), 'router-pods-'));
    t.after(() => rmSync(folder, { recursive: true }));
    const KUBECONFIG = join(folder, 'config');
    const named = { clusters: [{ name: 'c', cluster: { server: kubernetes.url } }], users: [{ name: 'u', user: {} }] };
    const contexts = [{ name: 'x', context: { cluster: 'c', user: 'u' } }];
    writeFileSync(KUBECONFIG, JSON.stringify({ ...named, contexts, 'current-context': 'x' }));
    const words = ['--service-discovery', '--selector', 'app=worker', '--peer-selector', 'app=router', ...flags];
    const log = createLog('debug', () => {});
    const routers = await followRouters((await resolveRouter(words, {})).config, { KUBECONFIG }, () => {}, log);
    t.after(() => routers?.close());
    await until(() => kubernetes.asked.length > 0);
    const [asked] = kubernetes.asked;
    assert.deepEqual([asked?.pathname, asked?.searchParams.get('labelSelector')], [path, 'app=router']);
  });
}
