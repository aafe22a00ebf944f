import assert from 'node:assert/strict';
import { once } from 'node:events';
import { mkdtempSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { type AddressInfo, connect, createServer, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, type TestContext, test } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import { Clients } from '../helpers/clients.ts';
import { deployment, isReady, options, type Pod, RealKubernetes } from '../helpers/real-kubernetes.ts';
import { spawnRouter } from '../helpers/spawn-router.ts';

/** What goes wrong with an API server and with permissions, in a real cluster: serving goes on, and the workers are right again soon. */

/** How long the API server hangs; tests that take minutes only with KUBERNETES_LONG. */
const LONG = Boolean(process.env.KUBERNETES_LONG);
const HANGS_MS = LONG ? 90_000 : 5_000;
const WORKERS = 'app=sglang-worker';
const REPLICAS = 3;

let kubernetes: RealKubernetes;
let router = { name: '', url: '' };

before(async () => {
  if (options.skip) return;
  kubernetes = await RealKubernetes.start();
  const flags = ['--service-discovery', '--selector', WORKERS, '--service-discovery-port', '8000'];
  await kubernetes.apply([
    { apiVersion: 'v1', kind: 'ServiceAccount', metadata: { name: 'router' } },
    deployment('sglang-worker', { app: 'sglang-worker' }, [], { replicas: REPLICAS }),
    deployment('router', { app: 'router' }, [...flags, '--service-discovery-namespace', 'default'], {
      image: 'sglang-router',
      port: 30_000,
      path: '/liveness',
      spec: { serviceAccountName: 'router' },
    }),
  ]);
  await kubernetes.kubectl('rollout', 'status', 'deployment/sglang-worker', 'deployment/router', '--timeout=60s');
  const [pod] = await kubernetes.pods('default', 'app=router');
  router = { name: pod?.metadata.name ?? '', url: `http://${pod?.status.podIP}:30000` };
});
after(async () => {
  if (kubernetes) await kubernetes[Symbol.asyncDispose]();
});

/** Connections to a server, of which those there are can be made to say nothing more. */
async function silencer({ hostname, port }: URL) {
  const open = new Set<Socket>();
  const proxy = createServer((client) => {
    const server = connect(Number(port), hostname);
    for (const [from, to] of [[client, server] as const, [server, client] as const]) {
      from.on('error', () => to.destroy()).pipe(to);
    }
    open.add(server);
  });
  proxy.listen(0, '127.0.0.1');
  await once(proxy, 'listening');
  return {
    port: (proxy.address() as AddressInfo).port,
    silence: () => {
      for (const server of open) server.unpipe().pause();
    },
    [Symbol.asyncDispose]: async () => {
      proxy.close();
      for (const server of open) server.destroy();
    },
  };
}

async function workers(url = router.url): Promise<readonly string[]> {
  const { urls } = (await (await fetch(`${url}/list_workers`)).json()) as { urls: readonly string[] };
  return [...urls].sort();
}

async function discovery(): Promise<readonly { problem: string }[]> {
  const answer = await fetch(`${router.url}/readiness`);
  return ((await answer.json()) as { discovery?: readonly { problem: string }[] }).discovery ?? [];
}

/** Resolves with how long it took until the router's workers are the ready pods. */
async function agrees(url = router.url): Promise<number> {
  const beganMs = performance.now();
  for (;;) {
    const pods = (await kubernetes.pods('default', WORKERS).catch(() => undefined))?.filter(isReady);
    const urls = pods?.map(({ status }) => `http://${status.podIP}:8000`).sort();
    if (urls && String(urls) === String(await workers(url))) return Math.round(performance.now() - beganMs);
    if (performance.now() - beganMs > 90_000) throw new Error(`expected ${urls}, got ${await workers(url)}`);
    await delay(20);
  }
}

async function remove(pod: Pod | undefined): Promise<void> {
  await kubernetes.kubectl('delete', 'pod', pod?.metadata.name ?? '', '--force', '--grace-period=0');
}

async function deleteOne(): Promise<void> {
  await remove((await kubernetes.pods('default', WORKERS)).find(isReady));
}

/** All workers are there: the stand-in for the kubelet gives up pods that it starts while the API server is away. */
async function settled(): Promise<void> {
  for (let looks = 1; ; looks++) {
    const pods = await kubernetes.pods('default', WORKERS).catch(() => []);
    if (pods.length === REPLICAS && pods.every(isReady)) break;
    if (looks % 40 === 0) for (const pod of pods) if (!isReady(pod)) await remove(pod).catch(() => {});
    await delay(200);
  }
  await agrees();
}

test('without permission the log has a manifest that gives it', options, async (t: TestContext) => {
  assert.match((await discovery())[0]?.problem ?? '', /pods is forbidden: User "system:serviceaccount:default:router"/);
  const line = kubernetes
    .podLog('default', router.name)
    .split('\n')
    .find((one) => one.includes('may not list'));
  const { message } = JSON.parse(line ?? '{}') as { message: string };
  const [, manifest = ''] = /<<'EOF'\n(.*)\nEOF/s.exec(message) ?? [];
  await kubernetes.apply(manifest);
  t.diagnostic(`allowed: workers after ${await agrees()} ms`);
  while (!(await fetch(`${router.url}/readiness`)).ok) await delay(50);
});

test('an API server that hangs, and pods whose servers go meanwhile', options, async (t: TestContext) => {
  await settled();
  await using clients = new Clients(4, () => [router.url]);
  await clients.have(100);
  const pid = kubernetes.pid('kube-apiserver');
  process.kill(pid, 'SIGSTOP');
  await delay(HANGS_MS);
  if (LONG) assert.match((await discovery())[0]?.problem ?? '', /no answer within 10 s/);
  process.kill(pid, 'SIGCONT');
  await deleteOne();
  t.diagnostic(`after a hang of ${HANGS_MS / 1000} s and a delete: ${await agrees()} ms`);
  const { failed, ok } = await clients.stop();
  t.diagnostic(`${failed.length} failed of ${ok + failed.length}`);
  assert.deepEqual(failed, []);
});

test('an API server that is killed; watches begin anew', options, async (t: TestContext) => {
  await settled();
  await using clients = new Clients(4, () => [router.url]);
  await clients.have(100);
  const before = kubernetes.pid('kube-apiserver');
  process.kill(before, 'SIGKILL');
  while (kubernetes.pid('kube-apiserver') === before) await delay(50);
  while (!(await kubernetes.pods('default', WORKERS).catch(() => undefined))) await delay(50);
  await deleteOne();
  t.diagnostic(`after the API server is back, and a delete: ${await agrees()} ms`);
  const { failed, ok } = await clients.stop();
  t.diagnostic(`${failed.length} failed of ${ok + failed.length}`);
  assert.deepEqual(failed, []);
});

test('a token that is worth nothing any more is read again', options, async (t: TestContext) => {
  await settled();
  const folder = kubernetes.volumes('default', router.name);
  const [volume = ''] = readdirSync(folder);
  await kubernetes.kubectl('delete', 'serviceaccount', 'router');
  await kubernetes.kubectl('create', 'serviceaccount', 'router');
  const token = await kubernetes.kubectl('create', 'token', 'router');
  // The watch is closed as well, so that the router must ask with what it has.
  const before = kubernetes.pid('kube-apiserver');
  process.kill(before, 'SIGKILL');
  while (kubernetes.pid('kube-apiserver') === before) await delay(50);
  while ((await discovery().then(([first]) => first?.problem)) !== 'Unauthorized') await delay(50);
  writeFileSync(join(folder, volume, 'token'), token);
  const beganMs = performance.now();
  while ((await discovery()).length > 0) await delay(50);
  t.diagnostic(`accepted again after ${Math.round(performance.now() - beganMs)} ms`);
  await deleteOne();
  await agrees();
});

test('a watch that goes silent', { ...options, skip: options.skip ?? !LONG }, async (t: TestContext) => {
  await settled();
  await using between = await silencer(kubernetes.server);
  const path = join(mkdtempSync(join(tmpdir(), 'kubeconfig-')), 'config');
  const config = readFileSync(kubernetes.kubeconfig, 'utf8');
  writeFileSync(path, config.replaceAll(kubernetes.server.host, `127.0.0.1:${between.port}`));
  const flags = ['--service-discovery', '--selector', WORKERS, '--service-discovery-port', '8000'];
  await using outside = await spawnRouter([...flags, '--service-discovery-namespace', 'default'], { KUBECONFIG: path });
  await agrees(outside.url);
  between.silence();
  await deleteOne();
  const beganMs = performance.now();
  await agrees(outside.url);
  t.diagnostic(`right again after ${Math.round(performance.now() - beganMs)} ms`);
});

test('a Role that is taken away and given back', {
  ...options,
  skip: options.skip ?? !LONG,
}, async (t: TestContext) => {
  await settled();
  const manifest = await kubernetes.kubectl('get', 'role', 'sglang-router-discovery', '-o', 'yaml');
  const known = await workers();
  await kubernetes.kubectl('delete', 'role', 'sglang-router-discovery');
  while ((await discovery()).length === 0) await delay(200);
  assert.deepEqual(await workers(), known);
  await kubernetes.apply(manifest.replaceAll(/^ {2}(resourceVersion|uid|creationTimestamp):.*$/gm, ''));
  const beganMs = performance.now();
  while ((await discovery()).length > 0) await delay(50);
  t.diagnostic(`known again after ${Math.round(performance.now() - beganMs)} ms`);
  await deleteOne();
  t.diagnostic(`and a delete: ${await agrees()} ms`);
});
