import assert from 'node:assert/strict';
import { cpSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, type TestContext, test } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import { Clients } from '../helpers/clients.ts';
import { isReady, options, RealKubernetes } from '../helpers/real-kubernetes.ts';

/** What docs/deploy has for Kubernetes, in a real cluster: the chart's life, and every manifest as the API server takes it. */

const REQUESTS = Number(process.env.KUBERNETES_REQUESTS ?? 3_000);
const DEPLOY = join(import.meta.dirname, '../../docs/deploy');
const CHART = join(DEPLOY, 'helm/sglang-router');
const ROUTERS = 'app.kubernetes.io/name=sglang-router';
/** Of the strictest kind of namespace that Kubernetes knows: pods that ask for more than they need are refused. */
const RESTRICTED = { 'pod-security.kubernetes.io/enforce': 'restricted' };
const KINDS =
  'deployment,pod,service,serviceaccount,role,rolebinding,clusterrole,clusterrolebinding,pdb,networkpolicy,secret';

let kubernetes: RealKubernetes;
before(async () => {
  if (!options.skip) kubernetes = await RealKubernetes.start();
});
after(async () => {
  if (kubernetes) await kubernetes[Symbol.asyncDispose]();
});

async function createNamespace(name: string, labels: object): Promise<void> {
  await kubernetes.apply([{ apiVersion: 'v1', kind: 'Namespace', metadata: { name, labels } }]);
}

/** A manifest of docs/deploy/workers with the program of the image in place of the real one and no waiting for the next look of a probe. */
function simulated(file: string): string {
  const text = readFileSync(join(DEPLOY, 'workers', file), 'utf8');
  const changed = text
    .replaceAll(/\n *command: .*sglang\.launch_server.*/g, '')
    .replaceAll(/periodSeconds: \d+/g, 'periodSeconds: 1');
  assert.notEqual(changed, text);
  return changed;
}

async function startWorkers(namespace: string, file: string): Promise<void> {
  await kubernetes.apply(simulated(file), '-n', namespace);
  await kubernetes.kubectl(
    '-n',
    namespace,
    'wait',
    '--for=condition=Available',
    'deployment',
    '--all',
    '--timeout=90s',
  );
}

async function routersIn(namespace: string): Promise<readonly string[]> {
  const pods = await kubernetes.pods(namespace, ROUTERS);
  return pods.filter(isReady).map(({ status }) => `http://${status.podIP}:30000`);
}

async function ask(url: string, path: string, body: object, headers = {}): Promise<Response> {
  return await fetch(`${url}${path}`, { method: 'POST', body: JSON.stringify(body), headers });
}

async function serves(url: string, headers = {}): Promise<void> {
  const text = { text: 'The capital of France is', sampling_params: { max_new_tokens: 8 } };
  const chat = { model: 'default', max_tokens: 8, messages: [{ role: 'user', content: 'hello' }] };
  for (const [path, body] of [
    ['/generate', text],
    ['/v1/chat/completions', chat],
  ] as const) {
    const answer = await ask(url, path, body, headers);
    assert.equal(answer.status, 200, await answer.text());
  }
}

/** Until each of these routers hears so many others. */
async function untilHeard(routers: readonly string[], count: number): Promise<void> {
  for (const router of routers) {
    const heard = new RegExp(`^sgl_router_routers_heard ${count}$`, 'm');
    while (!heard.test(await (await fetch(`${router}/metrics`)).text())) await delay(50);
  }
}

/** Sends the turns of one conversation to these routers in turn: each knows what the others were sent, so one worker serves all of them. */
async function converse(routers: readonly string[], topic: string): Promise<void> {
  const workers = new Set<string | null>();
  // Much longer than what a turn adds, so that the prompt before is most of each.
  let text = topic.padEnd(4_000, ` ${topic}`);
  for (let turn = 0; turn < 6; turn++) {
    const router = routers[turn % routers.length] as string;
    const answer = await ask(router, '/generate', { text, sampling_params: { max_new_tokens: 4 } });
    assert.equal(answer.status, 200, await answer.text());
    workers.add(answer.headers.get('x-sglang-router-worker'));
    const matched = Number(answer.headers.get('x-sglang-router-matched'));
    assert.ok(turn === 0 || matched > text.length / 2, `turn ${turn}: ${matched} bytes matched`);
    text += ` ${turn}`.padEnd(400, ` ${topic}`);
  }
  assert.equal(workers.size, 1, [...workers].join());
}

/** What there is of the routers of a release, or of any. */
async function remains(...flags: string[]): Promise<string> {
  return await kubernetes.kubectl('get', KINDS, '-l', ROUTERS, '-o', 'name', '--ignore-not-found', ...flags);
}

test(
  'the chart serves a regular pool with a key, is upgraded without a failed request, and leaves nothing',
  options,
  async (t: TestContext) => {
    await createNamespace('regular', {});
    await startWorkers('regular', 'regular.yaml');
    await createNamespace('front', RESTRICTED);
    await kubernetes.kubectl('-n', 'front', 'create', 'secret', 'generic', 'keys', '--from-literal=api-key=s3cret');
    const values = ['--set', 'workers.namespace=regular', '--set', 'apiKey.existingSecret=keys'];
    await kubernetes.helm('install', 'router', CHART, '-n', 'front', '--wait', '--timeout=60s', ...values);
    const key = { authorization: 'Bearer s3cret' };
    const [router = ''] = await routersIn('front');
    assert.equal((await ask(router, '/generate', { text: 'x' })).status, 401);
    await serves(router, key);
    assert.doesNotMatch(await kubernetes.kubectl('-n', 'front', 'get', 'deployment,pod', '-o', 'yaml'), /s3cret/);

    let routers = await routersIn('front');
    const looking = setInterval(() => {
      void routersIn('front').then(
        (urls) => {
          if (urls.length > 0) routers = urls;
        },
        () => {},
      );
    }, 200);
    t.after(() => clearInterval(looking));
    await using clients = new Clients(16, () => routers, { headers: key });
    await using staying = new Clients(16, () => routers, { headers: key, stay: true });
    const both = [clients, staying];
    const have = (more: number) =>
      Promise.all(both.map(({ tally }, at) => both[at]?.have(tally.ok + tally.failed.length + more)));
    await have(REQUESTS / 4);
    const upgrade = ['--reuse-values', '--set', 'extraArgs={--log-level,warning}'];
    await kubernetes.helm('upgrade', 'router', CHART, '-n', 'front', '--wait', '--timeout=120s', ...upgrade);
    // Until the old ones are gone.
    while ((await kubernetes.pods('front', ROUTERS)).length > 2) await delay(200);
    await have(REQUESTS / 4);
    for (const { ok, failed, refused } of await Promise.all(both.map((those) => those.stop()))) {
      t.diagnostic(`${failed.length} failed of ${ok + failed.length}, ${refused} refused connections`);
      assert.deepEqual(failed.slice(0, 5), []);
    }

    await kubernetes.helm('uninstall', 'router', '-n', 'front', '--wait', '--timeout=60s');
    await kubernetes.kubectl('-n', 'front', 'wait', '--for=delete', 'pod', '-l', ROUTERS, '--timeout=60s');
    assert.equal(await remains('--all-namespaces'), '');
    assert.equal(await kubernetes.helm('list', '--all', '--all-namespaces', '--short'), '');
  },
);

test('the chart serves prefill and decode pools of any namespace', options, async () => {
  await createNamespace('pools', {});
  await startWorkers('pools', 'prefill-decode.yaml');
  await createNamespace('pd', RESTRICTED);
  const values = ['-f', join(DEPLOY, 'helm/pd-values.yaml'), '--set', 'workers.allNamespaces=true'];
  await kubernetes.helm('install', 'pd', CHART, '-n', 'pd', '--wait', '--timeout=60s', ...values);
  const [router = ''] = await routersIn('pd');
  await serves(router);
  const answer = await ask(router, '/generate', { text: 'x', sampling_params: { max_new_tokens: 1 } });
  assert.match(answer.headers.get('x-sglang-router-prefill-worker') ?? '', /:8000$/);
  await kubernetes.helm('uninstall', 'pd', '-n', 'pd', '--wait', '--timeout=60s');
  await kubernetes.kubectl('-n', 'pd', 'wait', '--for=delete', 'pod', '-l', ROUTERS, '--timeout=60s');
  assert.equal(await remains('--all-namespaces'), '');
});

test('the routers of a release find each other, and serve conversations as one does', options, async () => {
  await createNamespace('apart', {});
  await startWorkers('apart', 'regular.yaml');
  await createNamespace('routers', RESTRICTED);
  const values = ['--set', 'replicaCount=2,preStopSeconds=0,workers.namespace=apart,networkPolicy.enabled=true'];
  await kubernetes.helm('install', 'two', CHART, '-n', 'routers', '--wait', '--timeout=60s', ...values);
  const before = await routersIn('routers');
  assert.equal(before.length, 2);
  await untilHeard(before, 1);
  const topics = ['weather', 'history', 'cooking', 'travel'];
  for (const topic of topics) await converse(before, topic);

  const [first] = await kubernetes.pods('routers', ROUTERS);
  await kubernetes.kubectl('-n', 'routers', 'delete', 'pod', String(first?.metadata.name), '--timeout=60s');
  await kubernetes.kubectl('-n', 'routers', 'rollout', 'status', 'deployment', '--timeout=60s');
  const after = await routersIn('routers');
  assert.equal(after.length, 2);
  assert.notDeepEqual([...after].sort(), [...before].sort());
  await untilHeard(after, 1);
  // New ones, as the new router has not heard of those before.
  for (const topic of topics) await converse(after, `more ${topic}`);

  await kubernetes.helm('uninstall', 'two', '-n', 'routers', '--wait', '--timeout=60s');
  await kubernetes.kubectl('-n', 'routers', 'wait', '--for=delete', 'pod', '-l', ROUTERS, '--timeout=60s');
  assert.equal(await remains('--all-namespaces'), '');
});

test('the rendered manifest serves a model as it stands', options, async () => {
  await createNamespace('production', {});
  await startWorkers('production', 'regular.yaml');
  await kubernetes.apply(readFileSync(join(DEPLOY, 'manifests/regular.yaml'), 'utf8'));
  await kubernetes.kubectl('-n', 'production', 'rollout', 'status', 'deployment/sglang-router', '--timeout=60s');
  const [router = ''] = await routersIn('production');
  await serves(router);
  await kubernetes.kubectl('delete', '-f', join(DEPLOY, 'manifests/regular.yaml'));
  await kubernetes.kubectl('-n', 'production', 'wait', '--for=delete', 'pod', '-l', ROUTERS, '--timeout=60s');
});

/** Pods that are processes have no container engine and no port-forward; their own addresses can be reached. */
const STAND_INS = `
set -euo pipefail
docker() { :; }
kubectl() { case "$*" in *port-forward*) ;; *) command kubectl "$@" ;; esac; }
curl() {
  local url=$1 router
  shift
  router=$(command kubectl -n production get pods -l ${ROUTERS} -o jsonpath='{.items[0].status.podIP}')
  command curl -sSf "\${url/localhost/$router}" "$@"
}
`;

test('the commands of docs/kubernetes.md do what it says, from nothing to a served model', options, async (t) => {
  const root = mkdtempSync(join(tmpdir(), 'deploy-'));
  t.after(() => rmSync(root, { recursive: true }));
  cpSync(DEPLOY, join(root, 'docs/deploy'), { recursive: true });
  for (const file of ['regular.yaml', 'prefill-decode.yaml']) {
    writeFileSync(join(root, 'docs/deploy/workers', file), simulated(file));
  }
  const document = readFileSync(join(DEPLOY, '../kubernetes.md'), 'utf8');
  const [, section = ''] = /## From nothing to a served model\n(.*?)\n## /s.exec(document) ?? [];
  const blocks = [...section.matchAll(/```(?:sh)?\n(.*?)```/gs)].map(([, commands = '']) => commands);
  const pools = blocks.pop() ?? '';
  // In a namespace of its own, which is not there yet.
  const run = (commands: string, namespace = 'from-nothing') =>
    kubernetes.shell((STAND_INS + commands).replaceAll('production', namespace), root);
  const said = await run(blocks.join(''));
  for (const sign of ['"status":"ready"', '"output_ids":', '"chat.completion"']) assert.ok(said.includes(sign), said);
  const [, uninstall = ''] = /`(helm uninstall .*?)`/.exec(section) ?? [];
  await run(`${uninstall}\nkubectl -n production wait --for=delete pod -l ${ROUTERS} --timeout=60s`);
  assert.equal(await remains('--all-namespaces'), '');
  // The other way to install it, in a place of its own.
  await run(`kubectl create namespace production\n${pools}`, 'pools-of-both');
  const [router = ''] = await routersIn('pools-of-both');
  await serves(router);
});

for (const folder of ['manifests', 'workers']) {
  for (const file of readdirSync(join(DEPLOY, folder)).filter((name) => name !== 'leader-worker-set.yaml')) {
    test(`the API server takes ${folder}/${file}`, options, async () => {
      await createNamespace('production', {});
      const flags = ['--dry-run=server', '--validate=strict', '-f', join(DEPLOY, folder, file)];
      assert.match(await kubernetes.kubectl('-n', 'production', 'apply', ...flags), /server dry run/);
    });
  }
}

test('the API server takes what the chart makes of all its values', options, async () => {
  const values = join(import.meta.dirname, '../fixtures/deploy/all-values.yaml');
  // Its kind is the Prometheus operator's, which is not there.
  const flags = ['-n', 'default', '-f', values, '--set', 'podMonitor.enabled=false'];
  const manifest = await kubernetes.helm('template', 'router', CHART, ...flags);
  assert.match(
    await kubernetes.apply(manifest, '--dry-run=server', '--validate=strict'),
    /networkpolicy.*server dry run/,
  );
});
