import assert from 'node:assert/strict';
import { after, before, type TestContext, test } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import { deployment, isReady, options, RealKubernetes } from '../helpers/real-kubernetes.ts';
import { type RouterProcess, spawnRouter } from '../helpers/spawn-router.ts';
import { spawnSim } from '../helpers/spawn-sim.ts';

/** The manual's commands, and what happens to pods, on a real control plane. */

const NAMESPACE = 'production';
const LABELS = { app: 'sglang-worker', env: 'prod' };
const WORKERS = 'app=sglang-worker,env=prod';
/** How many random events; more by KUBERNETES_EVENTS. */
const EVENTS = Number(process.env.KUBERNETES_EVENTS ?? 300);

let kubernetes: RealKubernetes;
before(async () => {
  if (options.skip) return;
  kubernetes = await RealKubernetes.start();
  await kubernetes.apply([{ apiVersion: 'v1', kind: 'Namespace', metadata: { name: NAMESPACE } }]);
});
after(async () => {
  if (kubernetes) await kubernetes[Symbol.asyncDispose]();
});

const REGULAR = [
  ...['--service-discovery', '--selector', 'app=sglang-worker', 'env=prod'],
  ...['--service-discovery-namespace', NAMESPACE, '--service-discovery-port', '8000'],
];

const router = (...flags: string[]) => spawnRouter(flags, { KUBECONFIG: kubernetes.kubeconfig });

async function workersOf({ url }: RouterProcess): Promise<readonly string[]> {
  const { workers } = (await (await fetch(`${url}/workers`)).json()) as {
    workers: readonly { url: string; worker_type: string }[];
  };
  return workers.map((worker) => worker.url).sort();
}

/** Waits until the router's workers are just these; resolves with how long that took. */
async function agrees(one: RouterProcess, wanted: () => Promise<readonly string[]>): Promise<number> {
  const beganMs = performance.now();
  for (;;) {
    const [is, should] = await Promise.all([workersOf(one), wanted()]);
    if (String(is) === String([...should].sort())) return Math.round(performance.now() - beganMs);
    if (performance.now() - beganMs > 60_000) throw new Error(`expected ${should}, got ${is}`);
    await delay(25);
  }
}

const readyUrls = async (selector = WORKERS) =>
  (await kubernetes.pods(NAMESPACE, selector)).filter(isReady).map(({ status }) => `http://${status.podIP}:8000`);

async function serves({ url }: RouterProcess): Promise<void> {
  while (!(await fetch(`${url}/readiness`)).ok) await delay(50);
  const init = { method: 'POST', headers: { 'content-type': 'application/json' } };
  const generate = { text: 'The capital of France is', sampling_params: { max_new_tokens: 4 } };
  const generated = await fetch(`${url}/generate`, { ...init, body: JSON.stringify(generate) });
  assert.equal(generated.status, 200, await generated.clone().text());
  const chat = { model: 'default', messages: [{ role: 'user', content: 'Hello' }], max_tokens: 4 };
  const answered = await fetch(`${url}/v1/chat/completions`, { ...init, body: JSON.stringify(chat) });
  assert.equal(answered.status, 200, await answered.clone().text());
}

/** Waits for pods that are ready, and no others. */
async function settled(count: number, selector = WORKERS): Promise<void> {
  for (;;) {
    const pods = await kubernetes.pods(NAMESPACE, selector);
    if (pods.length === count && pods.every(isReady)) return;
    await delay(100);
  }
}

test("the manual's command for regular workers; scaling up and down", options, async (t: TestContext) => {
  await kubernetes.apply([
    { ...deployment('sglang-worker', LABELS, []), metadata: { name: 'sglang-worker', namespace: NAMESPACE } },
  ]);
  await using one = await router(...REGULAR);
  await serves(one);
  for (const replicas of [12, 2]) {
    await kubernetes.kubectl('-n', NAMESPACE, 'scale', 'deployment/sglang-worker', `--replicas=${replicas}`);
    await settled(replicas);
    t.diagnostic(`scaled to ${replicas}: the router agrees ${await agrees(one, readyUrls)} ms later`);
  }
  const [pod] = await kubernetes.pods(NAMESPACE, WORKERS);
  await kubernetes.kubectl('-n', NAMESPACE, 'delete', 'pod', pod?.metadata.name ?? '', '--force', '--grace-period=0');
  t.diagnostic(`force delete: ${await agrees(one, readyUrls)} ms`);
  await kubernetes.kubectl('-n', NAMESPACE, 'scale', 'deployment/sglang-worker', '--replicas=0');
  await settled(0);
  await agrees(one, readyUrls);
});

test("the manual's command for prefill and decode pools, bootstrap ports by annotation", options, async () => {
  const annotations = { 'sglang.ai/bootstrap-port': '9123' };
  const pool = (name: string, mode: string, more: object) => {
    const args = ['--disaggregation-mode', mode, '--disaggregation-bootstrap-port', '9123'];
    const labels = { app: name, env: 'prod' };
    const made = deployment(name, labels, args, { port: 80, ...more });
    return { ...made, metadata: { name, namespace: NAMESPACE } };
  };
  await kubernetes.apply([pool('prefill-server', 'prefill', { annotations }), pool('decode-server', 'decode', {})]);
  await using one = await router(
    ...['--pd-disaggregation', '--service-discovery'],
    ...['--prefill-selector', 'app=prefill-server', 'env=prod', '--decode-selector', 'app=decode-server', 'env=prod'],
    ...['--service-discovery-namespace', NAMESPACE],
  );
  await serves(one);
  await kubernetes.kubectl('-n', NAMESPACE, 'delete', 'deployment', 'prefill-server', 'decode-server');
});

test('what happens to pods happens to workers', options, async (t: TestContext) => {
  await using engine = await spawnSim(['--host', '0.0.0.0']);
  const { port } = new URL(await engine.url());
  const labels = { app: 'moves', role: 'prefill' };
  await using one = await router(
    ...['--pd-disaggregation', '--service-discovery', '--service-discovery-port', port],
    ...['--prefill-selector', 'app=moves', 'role=prefill', '--decode-selector', 'app=moves', 'role=decode'],
    ...['--service-discovery-namespace', NAMESPACE],
  );
  const url = (at: number) => `http://127.77.0.${at}:${port}`;
  const follows = async (what: string, ...wanted: string[]) =>
    t.diagnostic(`${what}: ${await agrees(one, async () => wanted)} ms`);
  const idOf = async (at: number) => {
    const answer = await fetch(`${one.url}/workers/${encodeURIComponent(url(at))}`);
    return (await answer.json()) as { id: string; worker_type: string };
  };
  const idle = '127.77.0';
  await kubernetes.createPod(NAMESPACE, 'a', labels);
  await kubernetes.createPod(NAMESPACE, 'b', { ...labels, role: 'decode' });
  await kubernetes.setPod(NAMESPACE, 'a', `${idle}.1`, true);
  await kubernetes.setPod(NAMESPACE, 'b', `${idle}.2`, true);
  await follows('two pods', url(1), url(2));
  await kubernetes.setPod(NAMESPACE, 'a', `${idle}.1`, false);
  await follows('not ready', url(2));
  await kubernetes.setPod(NAMESPACE, 'a', `${idle}.1`, true);
  await follows('ready again', url(1), url(2));
  await kubernetes.kubectl('-n', NAMESPACE, 'label', '--overwrite', 'pod', 'b', 'app=other');
  await follows('relabelled', url(1));
  await kubernetes.kubectl('-n', NAMESPACE, 'label', '--overwrite', 'pod', 'b', 'app=moves');
  await follows('relabelled back', url(1), url(2));
  await kubernetes.kubectl('-n', NAMESPACE, 'label', '--overwrite', 'pod', 'a', 'role=decode');
  await kubernetes.kubectl('-n', NAMESPACE, 'label', '--overwrite', 'pod', 'b', 'role=prefill');
  const beganMs = performance.now();
  while ((await idOf(1)).worker_type !== 'decode' || (await idOf(2)).worker_type !== 'prefill') await delay(5);
  t.diagnostic(`roles swapped: ${Math.round(performance.now() - beganMs)} ms`);
  const { id } = await idOf(1);
  await kubernetes.deletePod(NAMESPACE, 'a');
  await kubernetes.createPod(NAMESPACE, 'c', { ...labels, role: 'decode' });
  await kubernetes.setPod(NAMESPACE, 'c', `${idle}.1`, true);
  await follows('a new pod at the old address', url(1), url(2));
  while ((await idOf(1)).id === id) await delay(5);
  for (const name of ['b', 'c']) await kubernetes.deletePod(NAMESPACE, name);
  await follows('all gone');
});

test('random events leave no drift', options, async (t: TestContext) => {
  await using one = await router(
    ...['--service-discovery', '--selector', 'app=random', '--service-discovery-namespace', NAMESPACE],
    ...['--disable-health-check', '--log-level', 'warning'],
  );
  const names = Array.from({ length: 20 }, (_, at) => `random-${at}`);
  const there = new Map<string, { ip: string; ready: boolean; app: string }>();
  const pick = <T>(all: readonly T[]) => all[Math.floor(Math.random() * all.length)] as T;
  const event = async (name: string) => {
    const pod = there.get(name);
    const ip = `127.77.1.${1 + Math.floor(Math.random() * 30)}`;
    if (!pod) {
      await kubernetes.createPod(NAMESPACE, name, { app: 'random' });
      await kubernetes.setPod(NAMESPACE, name, ip, true);
      there.set(name, { ip, ready: true, app: 'random' });
      return;
    }
    const what = pick(['delete', 'flip', 'flip', 'label', 'label']);
    if (what === 'delete') {
      await kubernetes.deletePod(NAMESPACE, name);
      there.delete(name);
    } else if (what === 'flip') {
      await kubernetes.setPod(NAMESPACE, name, pod.ip, !pod.ready);
      there.set(name, { ...pod, ready: !pod.ready });
    } else {
      const app = pod.app === 'random' ? 'other' : 'random';
      await kubernetes.api('PATCH', `/api/v1/namespaces/${NAMESPACE}/pods/${name}`, { metadata: { labels: { app } } });
      there.set(name, { ...pod, app });
    }
  };
  const memory = async () => {
    const text = await (await fetch(`${one.url}/metrics`)).text();
    const megabytes = (name: string) => Math.round(Number(new RegExp(`^${name} (.*)$`, 'm').exec(text)?.[1]) / 2 ** 20);
    return { resident: megabytes('process_resident_memory_bytes'), heap: megabytes('nodejs_heap_size_used_bytes') };
  };
  const wanted = async () => [
    ...new Set(
      [...there.values()].filter(({ ready, app }) => ready && app === 'random').map(({ ip }) => `http://${ip}:80`),
    ),
  ];
  const samples: Awaited<ReturnType<typeof memory>>[] = [];
  let slowestMs = 0;
  for (let done = 0; done < EVENTS; ) {
    const burst = names.filter(() => Math.random() < 0.5);
    await Promise.all(burst.map(event));
    done += burst.length;
    slowestMs = Math.max(slowestMs, await agrees(one, wanted));
    samples.push(await memory());
  }
  t.diagnostic(`${EVENTS} events, slowest agreement ${slowestMs} ms`);
  // What is left after a collection, as far as one has happened.
  const tenths = Object.values(Object.groupBy(samples, (_, at) => Math.floor((at * 10) / samples.length)));
  t.diagnostic(
    `MB of heap in each tenth, at the least: ${tenths.map((tenth) => Math.min(...(tenth ?? []).map(({ heap }) => heap)))}`,
  );
  t.diagnostic(`MB resident at the end of each: ${tenths.map((tenth) => tenth?.at(-1)?.resident)}`);
  await Promise.all([...there.keys()].map((name) => kubernetes.deletePod(NAMESPACE, name)));
});
