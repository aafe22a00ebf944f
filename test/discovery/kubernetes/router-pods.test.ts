import assert from 'node:assert/strict';
import { test } from 'node:test';
import { RouterPods } from '../../../src/discovery/kubernetes/router-pods.ts';
import { createLog } from '../../../src/log.ts';
import { FakeKubernetes } from '../../helpers/fake-kubernetes.ts';
import { until } from '../../helpers/test-router.ts';

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
