import assert from 'node:assert/strict';
import { after, before, type TestContext, test } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import { Clients } from '../helpers/clients.ts';
import { deployment, isReady, options, RealKubernetes } from '../helpers/real-kubernetes.ts';

/** Rolling restarts under load, in a real cluster: nobody notices. */

const REQUESTS = Number(process.env.KUBERNETES_REQUESTS ?? 3_000);
const CLIENTS = 32;
const WORKERS = { app: 'sglang-worker' };
const ROUTERS = { app: 'sglang-router' };

let kubernetes: RealKubernetes;
let routers: readonly string[] = [];
let looking: NodeJS.Timeout | undefined;

const RIGHTS = [
  { apiVersion: 'v1', kind: 'ServiceAccount', metadata: { name: 'router' } },
  {
    apiVersion: 'rbac.authorization.k8s.io/v1',
    kind: 'Role',
    metadata: { name: 'router' },
    // 0.3.2 asks for `get` too.
    rules: [{ apiGroups: [''], resources: ['pods'], verbs: ['get', 'list', 'watch'] }],
  },
  {
    apiVersion: 'rbac.authorization.k8s.io/v1',
    kind: 'RoleBinding',
    metadata: { name: 'router' },
    roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind: 'Role', name: 'router' },
    subjects: [{ kind: 'ServiceAccount', name: 'router', namespace: 'default' }],
  },
];

/** The pods that a Service would send to. */
async function look(): Promise<void> {
  const pods = await kubernetes.pods('default', 'app=sglang-router').catch(() => []);
  const urls = pods.filter(isReady).map(({ status }) => `http://${status.podIP}:30000`);
  if (urls.length > 0) routers = urls;
}

before(async () => {
  if (options.skip) return;
  kubernetes = await RealKubernetes.start();
  const flags = ['--service-discovery', '--selector', 'app=sglang-worker', '--service-discovery-port', '8000'];
  await kubernetes.apply([
    ...RIGHTS,
    deployment('sglang-worker', WORKERS, [], { replicas: 4 }),
    deployment('sglang-router', ROUTERS, [...flags, '--service-discovery-namespace', 'default'], {
      image: 'sglang-router',
      replicas: 2,
      port: 30_000,
      path: '/readiness',
      spec: { serviceAccountName: 'router' },
      container: { lifecycle: { preStop: { sleep: { seconds: 3 } } } },
    }),
  ]);
  await kubernetes.kubectl('rollout', 'status', 'deployment/sglang-worker', '--timeout=60s');
  await kubernetes.kubectl('rollout', 'status', 'deployment/sglang-router', '--timeout=60s');
  while (routers.length < 2) {
    await look();
    await delay(100);
  }
  looking = setInterval(() => void look(), 200);
});
after(async () => {
  clearInterval(looking);
  if (kubernetes) await kubernetes[Symbol.asyncDispose]();
});

for (const name of ['sglang-worker', 'sglang-router']) {
  test(`a rolling restart of ${name} fails no request`, options, async (t: TestContext) => {
    await using clients = new Clients(CLIENTS, () => routers);
    await clients.have(REQUESTS / 2);
    await kubernetes.kubectl('rollout', 'restart', `deployment/${name}`);
    await kubernetes.kubectl('rollout', 'status', `deployment/${name}`, '--timeout=300s');
    const { ok, failed } = clients.tally;
    await clients.have(ok + failed.length + REQUESTS / 2);
    const tally = await clients.stop();
    t.diagnostic(
      `${tally.failed.length} failed of ${tally.ok + tally.failed.length}, ${tally.refused} refused connections`,
    );
    assert.deepEqual(tally.failed.slice(0, 5), []);
  });
}
