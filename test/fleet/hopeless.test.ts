import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { type TestContext, test } from 'node:test';
import { startSim } from '../helpers/sim.ts';
import { startingWorker } from '../helpers/starting-worker.ts';
import { type TestRouter, testRouter, until } from '../helpers/test-router.ts';
import { tlsFile } from '../helpers/tls.ts';

const HELD = { queueTimeoutMs: 3_600_000 };

const post = (router: TestRouter, body: object = {}) =>
  fetch(`${router.url}/generate`, { method: 'POST', body: JSON.stringify(body) });

/** The error of a request that is refused: 503 `no_usable_workers`. */
async function refusal(answer: Response): Promise<string> {
  const { error } = (await answer.json()) as { error: { code: string; message: string } };
  assert.deepEqual([answer.status, error.code], [503, 'no_usable_workers']);
  assert.equal(answer.headers.get('x-smg-error-code'), 'no_usable_workers');
  return error.message;
}

async function listening(t: TestContext, server: Server): Promise<string> {
  t.after(() => server.close().closeAllConnections());
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return `127.0.0.1:${(server.address() as AddressInfo).port}`;
}

/** A worker that answers everything with the status that `status` gives at the time. */
async function answeringWith(t: TestContext, status: () => number): Promise<string> {
  const server = createServer((request, response) => {
    request.resume();
    response.writeHead(status()).end('served');
  });
  return `http://${await listening(t, server)}`;
}

/** One that takes clients of that authority alone, in a process of its own: Node's server tells a client nothing when it refuses it. */
async function strictServer(t: TestContext, authority: string): Promise<string> {
  const child = spawn('python3', [tlsFile('strict_server.py'), authority], { stdio: ['ignore', 'pipe', 'ignore'] });
  t.after(() => child.kill());
  const [line] = await once(child.stdout, 'data');
  return `https://127.0.0.1:${String(line).trim()}`;
}

const TRUSTING = ['--ca-cert-paths', tlsFile('ca.pem')];
const CLIENT = ['--client-cert-path', tlsFile('client.pem'), '--client-key-path', tlsFile('client.key')];

const cases: {
  name: string;
  url: (t: TestContext) => Promise<string>;
  flags?: string[];
  apiKey?: string;
  says: RegExp;
}[] = [
  {
    name: '/health is 404',
    url: (t) => answeringWith(t, () => 404),
    says: /\/health answered 404: it has no such path \(--health-check-endpoint\)/,
  },
  {
    name: 'it wants a key and there is none',
    url: (t) => answeringWith(t, () => 401),
    says: /\/health answered 401: it wants a key \(api_key, --api-key\)/,
  },
  {
    name: 'it refuses the key at once',
    url: (t) => answeringWith(t, () => 403),
    apiKey: 'ours',
    says: /\/health answered 403: it refuses the router's key \(api_key, --api-key\)/,
  },
  {
    name: 'its certificate is not trusted',
    url: async (t) => {
      const pair = { cert: readFileSync(tlsFile('server.pem')), key: readFileSync(tlsFile('server.key')) };
      return `https://${await listening(
        t,
        createTlsServer(pair, (_, response) => response.end()),
      )}`;
    },
    says: /the certificate of 127\.0\.0\.1:\d+ is not signed by an authority known here; .*--ca-cert-paths/,
  },
  {
    name: 'it wants a certificate of the router',
    url: (t) => strictServer(t, 'ca.pem'),
    flags: TRUSTING,
    says: /refuses the router's certificate, or wants one \(--client-cert-path\): certificate required/,
  },
  {
    name: "it refuses the router's certificate",
    url: (t) => strictServer(t, 'other-ca.pem'),
    flags: [...TRUSTING, ...CLIENT],
    says: /refuses the router's certificate, or wants one \(--client-cert-path\): unknown ca/,
  },
  {
    name: 'it does not speak TLS',
    url: async (t) => (await answeringWith(t, () => 200)).replace('http:', 'https:'),
    says: /does not speak TLS: is it http:/,
  },
];

for (const { name, url, flags = [], apiKey, says } of cases) {
  test(`who adds a worker that can never serve is told at once, and it is removed again: ${name}`, async (t) => {
    await using router = await testRouter([], flags, { workerStartupTimeoutMs: 3_600_000 });
    const body = JSON.stringify({ url: await url(t), api_key: apiKey });
    const message = await refusal(await fetch(`${router.url}/add_worker`, { method: 'POST', body }));
    assert.match(
      message,
      /^worker http\S+ cannot be used as it is set up, which waiting does not mend, and is removed again: /,
    );
    assert.match(message, says);
    assert.deepEqual(router.router.registry.workers, []);
  });

  test(`no request waits for a worker that can never serve: ${name}`, async (t) => {
    await using router = await testRouter([], flags, HELD);
    const waited = post(router);
    await until(() => router.router.admission.queued === 1);
    const address = await url(t);
    router.router.registry.add({ url: address, apiKey });
    const told = await refusal(await waited);
    assert.match(told, says);
    assert.ok(told.includes(address), told);
    assert.match(await refusal(await post(router)), says);
    assert.equal(router.router.admission.queued + router.router.admission.inFlight, 0);
    await until(() => router.lines.some((line) => line.includes('worker cannot be used as it is set up')));
  });
}

test("the router's key is refused by the server's own question for its models: told at once", async () => {
  await using sim = await startSim(['--api-key', 'theirs']);
  await using router = await testRouter([], [], HELD);
  router.router.registry.add({ url: sim.url, apiKey: 'ours' });
  await until(() => router.router.registry.workers[0]?.hopeless !== undefined);
  assert.match(await refusal(await post(router)), /it refuses the router's key \(api_key, --api-key\)/);
  const models = await fetch(`${router.url}/v1/models`);
  assert.match(await refusal(models), /it refuses the router's key/);
});

test('a worker that is mended serves, and whoever comes meanwhile is told', async (t) => {
  let status = 404;
  const url = await answeringWith(t, () => status);
  await using router = await testRouter([], [], HELD);
  router.router.registry.add({ url });
  await until(() => router.router.registry.workers[0]?.hopeless !== undefined);
  await refusal(await post(router));
  status = 200;
  await until(() => router.router.registry.available().length === 1);
  assert.equal(await (await post(router)).text(), 'served');
});

test('a worker that is started again with the right key serves', async () => {
  const wrong = await startSim(['--api-key', 'theirs']);
  await using router = await testRouter([], ['--worker-startup-check-interval', '1'], HELD);
  router.router.registry.add({ url: wrong.url, apiKey: 'ours' });
  const [worker] = router.router.registry.workers;
  await until(() => worker?.hopeless !== undefined);
  await wrong[Symbol.asyncDispose]();
  await until(() => worker?.hopeless === undefined);
  const waiting = post(router, { text: 'a', sampling_params: { max_new_tokens: 1 } });
  await until(() => router.router.admission.queued === 1);
  await using _right = await startSim(['--api-key', 'ours', '--port', new URL(wrong.url).port]);
  assert.equal((await waiting).status, 200);
});

test('while another worker starts, requests wait for that one', async (t) => {
  await using starting = await startingWorker();
  await using router = await testRouter([], [], HELD);
  const { registry, admission } = router.router;
  registry.add({ url: starting.url });
  registry.add({ url: await answeringWith(t, () => 404) });
  await until(() => registry.workers[1]?.hopeless !== undefined && starting.checks() > 1);
  const waiting = post(router);
  await until(() => admission.queued === 1);
  starting.finish();
  assert.equal(await (await waiting).text(), 'served');
});

test('one that is lost while it is waited for leaves only those that can never serve: who waits is told', async (t) => {
  await using starting = await startingWorker();
  await using router = await testRouter([], [], HELD);
  const { registry, admission } = router.router;
  registry.add({ url: starting.url });
  registry.add({ url: await answeringWith(t, () => 404) });
  await until(() => registry.workers[1]?.hopeless !== undefined);
  const waiting = [post(router), post(router)];
  await until(() => admission.queued === 2);
  void registry.remove(starting.url);
  for (const answer of waiting) assert.match(await refusal(await answer), /answered 404/);
});

test('a worker added at run time beside one that can never serve is waited for, and serves', async (t) => {
  await using starting = await startingWorker();
  await using router = await testRouter([], [], HELD);
  const { registry, admission } = router.router;
  const url = await answeringWith(t, () => 404);
  registry.add({ url });
  await until(() => registry.workers[0]?.hopeless !== undefined);
  await refusal(await post(router));
  await fetch(`${router.url}/workers`, { method: 'POST', body: JSON.stringify({ url: starting.url }) });
  const waiting = post(router);
  await until(() => admission.queued === 1);
  starting.finish();
  assert.equal(await (await waiting).text(), 'served');
});

test('of prefill and decode servers one role that can never serve is enough, and one that has no server yet is not', async (t) => {
  await using starting = await startingWorker();
  await using router = await testRouter([], ['--pd-disaggregation'], HELD);
  const { registry, admission } = router.router;
  registry.add({ url: starting.url, role: 'decode' });
  const waiting = post(router);
  await until(() => admission.queued === 1 && starting.checks() > 1);
  const url = await answeringWith(t, () => 404);
  registry.add({ url, role: 'prefill', bootstrapPort: null });
  const told = await refusal(await waiting);
  assert.match(told, /^no prefill worker can be used as they are set up/);
  assert.ok(told.includes(url) && !told.includes(starting.url), told);
});

test('a model whose only worker can never serve is refused at once, others are served', async () => {
  await using qwen = await startSim(['--served-model-name', 'qwen']);
  await using llama = await startSim(['--served-model-name', 'llama', '--api-key', 'theirs']);
  await using router = await testRouter([qwen.url], [], HELD);
  const { registry } = router.router;
  registry.add({ url: llama.url, apiKey: 'ours', modelId: 'llama' });
  await until(() => registry.workers[1]?.hopeless !== undefined);
  const ask = (model: string) => post(router, { model, text: 'a', sampling_params: { max_new_tokens: 1 } });
  assert.equal((await ask('qwen')).status, 200);
  const told = await refusal(await ask('llama'));
  assert.match(told, /^no worker with model llama/);
  assert.match(told, new RegExp(`${qwen.url}: it serves qwen`));
  assert.match(told, new RegExp(`${llama.url}: it refuses the router's key`));
});

test('a prefill and a decode server with different models: no request waits for a pair that cannot be', async () => {
  await using prefill = await startSim(['--served-model-name', 'qwen']);
  await using decode = await startSim(['--served-model-name', 'llama']);
  await using router = await testRouter([], ['--pd-disaggregation'], HELD);
  const { registry } = router.router;
  registry.add({ url: prefill.url, role: 'prefill', bootstrapPort: null });
  registry.add({ url: decode.url, role: 'decode' });
  await until(() => registry.workers.every(({ modelId }) => ['qwen', 'llama'].includes(modelId)));
  await until(() => registry.workers.every(({ available }) => available));
  const told = await refusal(await post(router, { model: 'qwen', text: 'a' }));
  assert.match(told, /^no decode worker with model qwen .*: it serves llama$/);
});

test('many workers that can never serve are told in a few words', async (t) => {
  await using router = await testRouter([], [], HELD);
  for (let i = 0; i < 20; i++) router.router.registry.add({ url: await answeringWith(t, () => 404) });
  await until(() => router.router.registry.workers.every(({ hopeless }) => hopeless !== undefined));
  const told = await refusal(await post(router));
  assert.match(told, /; and 17 more$/);
  assert.ok(told.length < 600, told);
});

test('a status that passes is waited for: 503, 429, 425, 408', async (t) => {
  const statuses = [503, 429, 425, 408];
  let asked = 0;
  const url = await answeringWith(t, () => statuses[asked++] ?? 200);
  await using router = await testRouter([], ['--worker-startup-check-interval', '1'], HELD);
  const waiting = post(router);
  router.router.registry.add({ url });
  assert.equal((await waiting).status, 200);
  assert.ok(asked > statuses.length);
});
