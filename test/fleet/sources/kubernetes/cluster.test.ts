import assert from 'node:assert/strict';
import { chmod, mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { findCluster } from '../../../../src/fleet/sources/kubernetes/cluster.ts';
import { FakeKubernetes } from '../../../helpers/fake-kubernetes.ts';
import { testRouter, until } from '../../../helpers/test-router.ts';

async function folder() {
  const path = await mkdtemp(join(tmpdir(), 'kubeconfig-'));
  const write = async (name: string, text: string) => {
    await writeFile(join(path, name), text);
    return join(path, name);
  };
  return { path, write, [Symbol.asyncDispose]: () => rm(path, { recursive: true }) };
}

const POD = { KUBERNETES_SERVICE_HOST: 'fd00::1', KUBERNETES_SERVICE_PORT: '443' };

/** A kubeconfig whose one user has these lines. */
const kubeconfig = (user: string, server = 'https://10.0.0.1:6443') => `
apiVersion: v1
kind: Config
current-context: here
contexts: [{name: here, context: {cluster: c, user: u, namespace: ignored}}]
clusters:
- name: c
  cluster: {server: "${server}", certificate-authority-data: ${Buffer.from('the authority').toString('base64')}}
users:
- name: u
  user:
    ${user}
`;

async function access(user: string) {
  await using place = await folder();
  await place.write('token.txt', 'from a file\n');
  await place.write('own.crt', 'certificate');
  await place.write('own.key', 'key');
  const cluster = await findCluster({ KUBECONFIG: await place.write('config', kubeconfig(user)) });
  return { cluster, ...(await cluster.access(false)) };
}

test('in a pod the service account counts, and is read anew each time: tokens rotate', async () => {
  await using place = await folder();
  await place.write('token', 'first\n');
  await place.write('ca.crt', 'authority');
  const cluster = await findCluster({ ...POD, HOME: place.path }, place.path);
  assert.equal(cluster.server.href, 'https://[fd00::1]/');
  assert.equal((await cluster.access(false)).headers.authorization, 'Bearer first');
  await place.write('token', 'second\n');
  const { headers, tls } = await cluster.access(false);
  assert.deepEqual([headers.authorization, String(tls.ca)], ['Bearer second', 'authority']);
});

test('a kubeconfig comes first: KUBECONFIG, then that of the home folder', async () => {
  await using place = await folder();
  await place.write('token', 't');
  await mkdir(join(place.path, '.kube'));
  await place.write('.kube/config', kubeconfig('token: home', 'https://home.example'));
  const env = { ...POD, HOME: place.path };
  assert.equal((await findCluster(env, place.path)).server.host, 'home.example');
  const named = await place.write('named', kubeconfig('token: named', 'https://named.example/api/'));
  const cluster = await findCluster({ ...env, KUBECONFIG: named }, place.path);
  assert.equal(cluster.server.href, 'https://named.example/api/');
  assert.match(cluster.from, /^context here of .*named$/);
});

test('of several files the first that has an entry counts', async () => {
  await using place = await folder();
  const first = await place.write(
    'first',
    'current-context: mine\nusers: [{name: u, user: {token: mine}}]\ncontexts: [{name: mine, context: {cluster: c, user: u}}]',
  );
  const second = await place.write('second', kubeconfig('token: theirs'));
  const cluster = await findCluster({ KUBECONFIG: `${first}:${second}` });
  assert.equal((await cluster.access(false)).headers.authorization, 'Bearer mine');
  assert.equal(cluster.server.host, '10.0.0.1:6443');
});

test('tokens, token files and client certificates, given or as files beside the kubeconfig', async () => {
  const { headers, tls } = await access('token: plain');
  assert.deepEqual([headers.authorization, String(tls.ca)], ['Bearer plain', 'the authority']);
  assert.equal((await access('tokenFile: token.txt')).headers.authorization, 'Bearer from a file');
  const files = await access('{client-certificate: own.crt, client-key: own.key}');
  assert.deepEqual([String(files.tls.cert), String(files.tls.key)], ['certificate', 'key']);
  const data = Buffer.from('inline').toString('base64');
  const inline = await access(`{client-certificate-data: ${data}, client-key-data: ${data}}`);
  assert.deepEqual([String(inline.tls.cert), String(inline.tls.key)], ['inline', 'inline']);
});

test('aliases and merge keys are read, and those that stand for too much are refused', async () => {
  await using place = await folder();
  const shared = `x-user: &shared {token: merged}\n${kubeconfig('<<: *shared')}`;
  const cluster = await findCluster({ KUBECONFIG: await place.write('shared', shared) });
  assert.equal((await cluster.access(false)).headers.authorization, 'Bearer merged');
  const tenfold = (level: number) => `l${level}: &l${level} [${`*l${level - 1}, `.repeat(10)}]`;
  const bomb = ['l0: &l0 [x]', ...Array.from({ length: 9 }, (_, level) => tenfold(level + 1)), kubeconfig('token: t')];
  const KUBECONFIG = await place.write('bomb', bomb.join('\n'));
  await assert.rejects(findCluster({ KUBECONFIG }), /expected at most 10000 values by alias, got more/);
});

test('an exec plugin is run when it is needed: at first, when its credential expires, when that is refused', async () => {
  await using place = await folder();
  const script = `#!/bin/sh
echo run >> "$COUNT"
echo "$KUBERNETES_EXEC_INFO" > "$COUNT.info"
printf '{"status": {"token": "%s", "expirationTimestamp": "%s"}}' "$1" "$(cat "$COUNT.until")"`;
  await chmod(await place.write('plugin.sh', script), 0o755);
  const count = join(place.path, 'count');
  const user = `exec: {apiVersion: client.authentication.k8s.io/v1beta1, command: ./plugin.sh, args: [secret], env: [{name: COUNT, value: "${count}"}]}`;
  const cluster = await findCluster({ KUBECONFIG: await place.write('config', kubeconfig(user)) });
  const runs = async () => (await readFile(count, 'utf8')).split('\n').length - 1;
  await place.write('count.until', '2099-01-01T00:00:00Z');
  assert.equal((await cluster.access(false)).headers.authorization, 'Bearer secret');
  await cluster.access(false);
  assert.equal(await runs(), 1);
  await place.write('count.until', '2020-01-01T00:00:00Z');
  await cluster.access(true);
  assert.equal(await runs(), 2);
  await cluster.access(false);
  assert.equal(await runs(), 3);
  const info = JSON.parse(await readFile(`${count}.info`, 'utf8'));
  assert.deepEqual([info.apiVersion, info.kind], ['client.authentication.k8s.io/v1beta1', 'ExecCredential']);
});

test('an exec plugin that fails is told with what it said and how to install it', async () => {
  const exec = (command: string) => access(`exec: {command: ${command}, installHint: get it}`);
  await assert.rejects(exec('no-such-plugin'), /^Error: the exec plugin no-such-plugin: .*ENOENT \(get it\)$/);
  await assert.rejects(exec('"true"'), /the exec plugin true: /);
});

test('without any cluster the command ends, and says where it looked', async () => {
  await using place = await folder();
  const env = { HOME: place.path };
  const looked = (pattern: RegExp) => ({ code: 'usage', message: /no Kubernetes cluster found$/, hint: pattern });
  await assert.rejects(
    findCluster(env),
    looked(/KUBECONFIG \(not set\); .*\.kube\/config \(not there\); KUBERNETES_SERV/),
  );
  await assert.rejects(findCluster({ ...env, ...POD }, place.path), looked(/token \(not there: .*automountServiceAcc/));
});

const UNUSABLE: Readonly<Record<string, RegExp>> = {
  'a: [': /KUBECONFIG .*config: /,
  'just text': /it is not a kubeconfig$/,
  'clusters: []': /there is no current-context/,
  'current-context: x': /there is no context 'x'$/,
  'current-context: x\ncontexts: [{name: x, context: {cluster: c}}]': /there is no cluster 'c'$/,
  [kubeconfig('auth-provider: {name: oidc}')]: /auth-provider oidc is not supported; use an exec plugin/,
  [kubeconfig('token: x', 'nowhere')]: /cluster c has no server that is a URL$/,
};

test('a kubeconfig that cannot be used ends the command with what is wrong', async () => {
  await using place = await folder();
  for (const [text, message] of Object.entries(UNUSABLE)) {
    const found = findCluster({ KUBECONFIG: await place.write('config', text) });
    await assert.rejects(found, { code: 'usage', message });
  }
  await assert.rejects(findCluster({ KUBECONFIG: join(place.path, 'gone') }), { code: 'usage', message: /ENOENT/ });
});

test('a router serves the pods of the cluster in KUBECONFIG; readiness and metrics tell since when it does not know them', async () => {
  await using kubernetes = await FakeKubernetes.start();
  await using place = await folder();
  kubernetes.authorization = 'Bearer secret';
  kubernetes.refusal = { status: 500, message: 'etcd is away' };
  process.env.KUBECONFIG = await place.write('config', kubeconfig('token: secret', kubernetes.url));
  kubernetes.set('a', { ip: '127.0.0.1', labels: { app: 'x' }, namespace: 'prod' });
  const flags = ['--service-discovery', '--selector', 'app=x', '--service-discovery-namespace', 'prod'];
  await using router = await testRouter([], flags);
  const readiness = async () => (await (await fetch(`${router.url}/readiness`)).json()) as object;
  const scrape = async () => await (await fetch(`${router.url}/metrics`)).text();
  const secs = async () => Number(/discovery_stale_seconds{source="kubernetes"} (.*)/.exec(await scrape())?.[1]);
  await until(() => router.lines.some((line) => line.includes('etcd is away')));
  const { discovery } = (await readiness()) as { discovery: Record<string, string>[] };
  assert.equal(discovery[0]?.source, 'kubernetes');
  assert.equal(discovery[0]?.problem, 'etcd is away');
  assert.ok(Date.parse(discovery[0]?.stale_since ?? '') <= Date.now());
  assert.ok((await secs()) > 0);
  kubernetes.refusal = undefined;
  await until(() => router.router.registry.workers.length === 1);
  assert.equal(router.router.registry.workers[0]?.url, 'http://127.0.0.1:80');
  assert.equal('discovery' in (await readiness()), false);
  assert.equal(await secs(), 0);
});
