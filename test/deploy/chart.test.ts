import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { accessSync, constants, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { homedir, tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { test } from 'node:test';
import { promisify } from 'node:util';
import { parse, parseAllDocuments } from 'yaml';

/** The Helm chart and what is rendered from it, as helm sees them; in a cluster: test/kubernetes/chart.test.ts. */

const ROOT = join(import.meta.dirname, '../..');
const DEPLOY = join(ROOT, 'docs/deploy');
const CHART = join(DEPLOY, 'helm/sglang-router');
const ALL_VALUES = join(ROOT, 'test/fixtures/deploy/all-values.yaml');

const helm = findHelm();
const options = helm
  ? {}
  : { skip: 'no helm: put it into PATH, name it in HELM, or set up the kit of test/kubernetes' };

function findHelm(): string | undefined {
  const { HELM, PATH = '', REAL_KUBERNETES_DIR, XDG_CACHE_HOME } = process.env;
  const kit = REAL_KUBERNETES_DIR || join(XDG_CACHE_HOME || join(homedir(), '.cache'), 'real-kubernetes');
  const places = [...PATH.split(delimiter), join(kit, 'bin')].map((folder) => join(folder, 'helm'));
  return (HELM ? [HELM] : places).find((path) => {
    try {
      accessSync(path, constants.X_OK);
      return true;
    } catch {
      return false;
    }
  });
}

async function run(program: string, ...words: string[]): Promise<string> {
  const { stdout } = await promisify(execFile)(program, words, { env: { ...process.env, HELM: helm } });
  return stdout;
}

interface Rendered {
  readonly kind: string;
  readonly metadata: { readonly name: string; readonly namespace?: string };
  // biome-ignore lint/suspicious/noExplicitAny: whatever a manifest of that kind has
  readonly [field: string]: any;
}

/** All objects of the chart with these values. */
async function renderAll(...flags: string[]): Promise<readonly Rendered[]> {
  const text = await run(helm as string, 'template', 'router', CHART, '-n', 'front', ...flags);
  return (parseAllDocuments(text).map((one) => one.toJS()) as (Rendered | null)[]).filter((object) => object !== null);
}

/** The same by kind, of which there is one each. */
async function render(...flags: string[]): Promise<Record<string, Rendered>> {
  return Object.fromEntries((await renderAll(...flags)).map((object) => [object.kind, object]));
}

const podOf = ({ Deployment }: Record<string, Rendered>) => Deployment?.spec.template.spec;

test('the chart has the version of the package', () => {
  const chart = parse(readFileSync(join(CHART, 'Chart.yaml'), 'utf8')) as Record<string, string>;
  const { version } = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8'));
  assert.deepEqual([chart.version, chart.appVersion], [version, version]);
});

test('every value is in the schema, and the other way round', () => {
  const values = parse(readFileSync(join(CHART, 'values.yaml'), 'utf8')) as object;
  const schema = JSON.parse(readFileSync(join(CHART, 'values.schema.json'), 'utf8'));
  assert.deepEqual(
    Object.keys(values).sort(),
    Object.keys(schema.properties)
      .filter((name) => name !== 'global')
      .sort(),
  );
});

test('helm lint has nothing to say', options, async () => {
  for (const flags of [[], ['-f', join(DEPLOY, 'helm/pd-values.yaml')], ['-f', ALL_VALUES]]) {
    await run(helm as string, 'lint', '--strict', '--quiet', CHART, ...flags);
  }
});

test('the plain manifests are what the chart gives now', options, async (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'manifests-'));
  t.after(() => rmSync(folder, { recursive: true }));
  await run(join(ROOT, 'scripts/render-manifests'), folder);
  const names = readdirSync(folder);
  assert.deepEqual(readdirSync(join(DEPLOY, 'manifests')), names);
  for (const name of names) {
    const [is, expected] = [join(DEPLOY, 'manifests', name), join(folder, name)].map((path) =>
      readFileSync(path, 'utf8'),
    );
    assert.equal(is, expected, `${name}: run scripts/render-manifests`);
  }
});

test('a pod has the time for all that comes before its end', options, async () => {
  const pod = podOf(await render('--set', 'preStopSeconds=20', '--set', 'shutdownGracePeriodSeconds=600'));
  const [router] = pod.containers;
  assert.equal(pod.terminationGracePeriodSeconds, 20 + 600 + 10);
  assert.equal(router.lifecycle.preStop.sleep.seconds, 20);
  assert.equal(router.args[router.args.indexOf('--shutdown-grace-period-secs') + 1], '600');
});

test('the right to see pods is as small as the search for them', options, async () => {
  const rules = [{ apiGroups: [''], resources: ['pods'], verbs: ['list', 'watch'] }];
  const own = await render();
  assert.deepEqual([own.Role?.metadata.namespace, own.Role?.rules, own.ClusterRole], ['front', rules, undefined]);
  const other = await render('--set', 'workers.namespace=pool,peers.enabled=false');
  assert.equal(other.Role?.metadata.namespace, 'pool');
  assert.equal(other.RoleBinding?.metadata.namespace, 'pool');
  assert.equal(other.RoleBinding?.subjects[0].namespace, 'front');
  const all = await render('--set', 'workers.allNamespaces=true');
  assert.deepEqual([all.Role, all.ClusterRole?.rules], [undefined, rules]);
  assert.ok(!podOf(all).containers[0].args.includes('--service-discovery-namespace'));
  const none = await render('--set', 'workers.discovery=false', '--set', 'workers.dns={workers.pool.svc:8000}');
  assert.deepEqual(
    [none.Role, none.ClusterRole, podOf(none).automountServiceAccountToken],
    [undefined, undefined, false],
  );
  assert.ok(!podOf(none).containers[0].args.includes('--service-discovery'));
});

/** What the router is told of the others of its kind. */
function peerFlagsOf(objects: Record<string, Rendered>): readonly string[] {
  const { args } = podOf(objects).containers[0];
  const at = args.indexOf('--peer-namespace');
  return at < 0 ? [] : args.slice(at, at + 5);
}

test('routers look for the pods of their own release, in their own namespace', options, async () => {
  for (const flags of [[], ['--set', 'workers.namespace=pool'], ['--set', 'workers.allNamespaces=true']]) {
    const objects = await render(...flags);
    const labels = Object.entries(objects.Deployment?.spec.selector.matchLabels).map((label) => label.join('='));
    assert.equal(labels.length, 2);
    assert.deepEqual(peerFlagsOf(objects), ['--peer-namespace', 'front', '--peer-selector', ...labels]);
  }
  for (const value of [
    'peers.enabled=false',
    'replicaCount=1',
    'tls.existingSecret=certificate',
    'workers.discovery=false,workers.dns={workers.pool.svc:8000}',
  ]) {
    const objects = await render('--set', value);
    assert.doesNotMatch(podOf(objects).containers[0].args.join(' '), /--peer/, value);
  }
});

test('routers elsewhere than the workers may see the pods of both namespaces', options, async () => {
  const objects = await renderAll('--set', 'workers.namespace=pool');
  for (const kind of ['Role', 'RoleBinding']) {
    const found = objects.filter((object) => object.kind === kind).map(({ metadata }) => metadata.namespace);
    assert.deepEqual(found.sort(), ['front', 'pool'], kind);
  }
  const together = await renderAll();
  assert.equal(together.filter(({ kind }) => kind === 'Role').length, 1);
});

test('a network policy lets routers reach each other', options, async () => {
  const named = 'networkPolicy.from[0].podSelector.matchLabels.app=client';
  const flags = ['--set', 'networkPolicy.enabled=true,port=8080', '--set', named];
  const { NetworkPolicy } = await render(...flags);
  const { podSelector, ingress, egress } = NetworkPolicy?.spec ?? {};
  assert.deepEqual(ingress[0].from, [{ podSelector: { matchLabels: { app: 'client' } } }, { podSelector }]);
  assert.deepEqual(egress.at(-1), { ports: [{ port: 8080 }], to: [{ podSelector }] });
  const apart = (await render(...flags, '--set', 'peers.enabled=false')).NetworkPolicy?.spec;
  assert.equal(apart.ingress[0].from.length, 1);
  assert.equal(apart.egress.length, egress.length - 1);
});

test('what may be missing in a cluster, or stop traffic, is off unless asked for', options, async () => {
  const plain = await render();
  const kinds = ['Deployment', 'PodDisruptionBudget', 'Role', 'RoleBinding', 'Service', 'ServiceAccount'];
  assert.deepEqual(Object.keys(plain).sort(), kinds);
  const all = await render('-f', ALL_VALUES);
  for (const kind of ['NetworkPolicy', 'PodMonitor', 'ClusterRole']) assert.ok(all[kind], kind);
  assert.equal((await render('--set', 'replicaCount=1')).PodDisruptionBudget, undefined);
});

test('the key comes from its Secret and stands in no argument', options, async () => {
  const [router] = podOf(await render('--set', 'apiKey.existingSecret=keys')).containers;
  const secretKeyRef = { name: 'keys', key: 'api-key' };
  assert.deepEqual(router.env, [{ name: 'SGLANG_ROUTER_API_KEY', valueFrom: { secretKeyRef } }]);
  assert.doesNotMatch(router.args.join(' '), /key/);
});

for (const [value, expected] of [
  ['replicaCount=two', /replicaCount': got string, want integer/],
  ['workers.prot=8000', /additional properties 'prot' not allowed/],
  ['prefillDecode.enabled=true,workers.discovery=false', /workers\/discovery': value must be true/],
  ['workers.allNamespaces=true,workers.namespace=x', /workers\/namespace/],
  ['extraArgs={--api-key,abc}', /extraArgs\/0/],
  ['peers.enabled=yes', /peers\/enabled': got string, want boolean/],
] as const) {
  test(`a value that cannot be is refused: ${value}`, options, async () => {
    await assert.rejects(render('--set', value), expected);
  });
}
