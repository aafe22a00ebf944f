import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Handler } from '../helpers/fake-worker.ts';
import { fakeWorker } from '../helpers/fake-worker.ts';
import { startSim } from '../helpers/sim.ts';
import { testRegistry } from '../helpers/test-registry.ts';
import { testRouter, until } from '../helpers/test-router.ts';

const GENERATE = JSON.stringify({ text: 'hello', sampling_params: { max_new_tokens: 2 } });

/** Of a worker that is asked for its list of models only where its key is in doubt. */
const TOLD = { '/server_info': '{"served_model_name":"a","context_length":8192}' };

/** Takes requests with this key only, and `/health` with any. */
const keyed =
  (key: () => string): Handler =>
  ({ headers }, response) =>
    void response.writeHead(headers.authorization === `Bearer ${key()}` ? 200 : 401).end('answer');

test('a server whose health check is open but that refuses the key gets nothing, is asked again and comes back', async () => {
  await using engine = await startSim(['--api-key', 'right']);
  await using r = testRegistry({ startupIntervalMs: 20 });
  const added = r.workers.add({ url: engine.url, apiKey: 'wrong' });
  await until(() => added.problem?.includes('refuses') === true);
  const problem = "it refuses the router's key (api_key, --api-key): /v1/models answered 401";
  assert.deepEqual(added.out, { reason: 'key', problem });
  assert.deepEqual([r.workers.available(), r.workers.lastResort()], [[], []]);
  assert.ok(r.lines.some((line) => line.includes("worker refuses the router's key: no requests until it takes it")));
  await assert.rejects(added.whenReady(10_000), { message: problem });
  r.workers.update(added, { apiKey: 'right' });
  await until(() => added.available);
  assert.deepEqual(r.workers.available(), added.targets);
  assert.equal(added.problem, undefined);
});

test('without health checks too', async () => {
  await using engine = await startSim(['--api-key', 'right']);
  await using r = testRegistry({ disabled: true });
  const added = r.workers.add({ url: engine.url, apiKey: 'wrong' });
  await until(() => added.problem?.includes('refuses') === true);
  assert.deepEqual([r.workers.available(), r.workers.lastResort()], [[], []]);
});

/** Answers each path with a status, as if it knew no other. */
async function saying(statusOf: (path: string) => number) {
  const worker = await fakeWorker((_, response) => void response.end());
  worker.server.removeAllListeners('request');
  worker.server.on('request', ({ url = '' }, response) => void response.writeHead(statusOf(url)).end());
  return worker;
}

test('a server that protects what it tells of itself, but takes the key, serves', async () => {
  await using worker = await saying((path) => (/server_info|model_info/.test(path) ? 403 : 200));
  await using r = testRegistry({ startupIntervalMs: 20 });
  const added = r.workers.add({ url: worker.url, apiKey: 'key' });
  await added.whenReady(5_000);
  assert.equal(added.available, true);
});

test('a worker whose key changes while it serves: found by its answers, out, told, and back', async () => {
  let key = 'key';
  await using changing = await fakeWorker(
    keyed(() => key),
    0,
    TOLD,
  );
  await using steady = await fakeWorker(
    keyed(() => 'key'),
    0,
    TOLD,
  );
  await using router = await testRouter([changing.url, steady.url], ['--api-key', 'key']);
  const [worker] = router.router.registry.workers;
  const headers = { authorization: 'Bearer key' };
  const ask = () => fetch(`${router.url}/generate`, { method: 'POST', body: GENERATE, headers });
  for (let i = 0; i < 4; i++) assert.equal((await ask()).status, 200);
  key = 'another';
  const statuses: number[] = [];
  while (worker?.available) statuses.push((await ask()).status);
  assert.ok(statuses.filter((status) => status === 401).length <= 2, `${statuses}`);
  for (let i = 0; i < 6; i++) assert.equal((await ask()).status, 200);
  const readiness = await (await fetch(`${router.url}/readiness`)).json();
  assert.match(JSON.stringify(readiness), /refuses the router's key/);
  const listed = (await (await fetch(`${router.url}/workers`, { headers })).json()) as {
    workers: { is_healthy: boolean; problem?: string }[];
  };
  assert.equal(listed.workers[0]?.is_healthy, false);
  assert.match(listed.workers[0]?.problem ?? '', /refuses the router's key .*: \/v1\/models answered 401/);
  key = 'key';
  await until(() => worker?.available === true);
});

test('where no key is known for a worker the 401 of a client is its own', async () => {
  await using worker = await fakeWorker(
    keyed(() => 'mine'),
    0,
    TOLD,
  );
  await using router = await testRouter([worker.url]);
  const ask = (key: string) =>
    fetch(`${router.url}/generate`, { method: 'POST', body: GENERATE, headers: { authorization: `Bearer ${key}` } });
  for (let i = 0; i < 5; i++) assert.equal((await ask('yours')).status, 401);
  assert.equal((await ask('mine')).status, 200);
  assert.equal(router.router.registry.workers[0]?.problem, undefined);
});

test('a request that is refused for its own sake does not take out a worker that takes the key', async () => {
  await using worker = await fakeWorker(
    ({ url }, response) => void response.writeHead(url === '/generate' ? 403 : 200).end('answer'),
    0,
    TOLD,
  );
  await using router = await testRouter([worker.url], ['--api-key', 'key']);
  const headers = { authorization: 'Bearer key' };
  for (let i = 0; i < 5; i++) {
    assert.equal((await fetch(`${router.url}/generate`, { method: 'POST', body: GENERATE, headers })).status, 403);
  }
  await until(() => worker.seen.includes('GET /v1/models'));
  assert.equal(router.router.registry.workers[0]?.available, true);
});

test('a health check that wants a key says so', async () => {
  await using worker = await saying((path) => (path === '/health' ? 401 : 200));
  await using r = testRegistry({ startupIntervalMs: 20 });
  const without = r.workers.add({ url: worker.url });
  await until(() => without.problem?.includes('401') === true);
  assert.equal(without.problem, '/health answered 401: it wants a key (api_key, --api-key)');
});
