import assert from 'node:assert/strict';
import { once } from 'node:events';
import { test } from 'node:test';
import { createLog } from '../../src/log.ts';
import { Slots } from '../../src/state/slots.ts';
import { Registry } from '../../src/workers/registry.ts';
import { answering, fakeWorker } from '../helpers/fake-worker.ts';
import { until } from '../helpers/test-router.ts';

const HEALTH = { path: '/health', intervalMs: 1_000, timeoutMs: 1_000, overdueMs: 60_000 };

function registry(health: Partial<typeof HEALTH> = {}) {
  const lines: string[] = [];
  const workers = new Registry(
    new Slots(),
    { ...HEALTH, ...health },
    createLog('info', (line) => lines.push(line)),
  );
  return { workers, lines, [Symbol.asyncDispose]: () => workers.close() };
}

test('a worker starts, is polled, and is available once it answers', async () => {
  await using worker = await fakeWorker(answering(''));
  await using r = registry();
  const added = r.workers.add(worker.url);
  assert.equal(added.state.kind, 'starting');
  assert.deepEqual(r.workers.available, []);
  await once(r.workers, 'change');
  assert.equal(added.state.kind, 'ready');
  assert.deepEqual(r.workers.available, [added]);
});

test('what is wrong with a starting worker can be read', async () => {
  await using worker = await fakeWorker((_, response) => response.writeHead(503).end());
  await using r = registry({ path: '/ready' });
  const added = r.workers.add(worker.url);
  await once(r.workers, 'change');
  assert.deepEqual(added.state.kind === 'starting' && added.state.problem, '/ready answered 503');
});

test('a worker that comes up late is found, and a poke finds it at once', async () => {
  let healthy = false;
  await using worker = await fakeWorker((_, response) => response.writeHead(healthy ? 200 : 503).end());
  await using r = registry({ path: '/ready', intervalMs: 3_600_000 });
  const added = r.workers.add(worker.url);
  await until(() => added.state.kind === 'starting' && added.state.problem !== undefined);
  healthy = true;
  added.poke();
  await until(() => added.available);
});

test('the same URL is one worker, with or without a slash at its end', async () => {
  await using r = registry();
  const added = r.workers.add('http://127.0.0.1:9/');
  assert.equal(r.workers.add('http://127.0.0.1:9'), added);
  assert.equal(r.workers.workers.length, 1);
});

test('a failed worker is out at once and stays out', async () => {
  await using worker = await fakeWorker(answering(''));
  await using r = registry();
  const added = r.workers.add(worker.url);
  await until(() => added.available);
  r.workers.fail(worker.url, 'exited with code 1');
  assert.deepEqual(r.workers.available, []);
  assert.deepEqual(added.state, { kind: 'failed', reason: 'exited with code 1' });
  added.poke();
  added.unreachable('refused');
  assert.equal(added.state.kind, 'failed');
  assert.ok(r.lines.some((line) => line.includes('worker gone') && line.includes('exited with code 1')));
});

test('a removed worker is gone, and a second removal says so', async () => {
  await using worker = await fakeWorker(answering(''));
  await using r = registry();
  const added = r.workers.add(worker.url);
  await until(() => added.available);
  assert.equal(r.workers.remove(worker.url), true);
  assert.deepEqual([r.workers.available.length, r.workers.workers.length], [0, 0]);
  assert.equal(r.workers.remove(worker.url), false);
});

test('a worker lost while serving is polled until it is back', async () => {
  await using worker = await fakeWorker(answering(''));
  await using r = registry();
  const added = r.workers.add(worker.url);
  await until(() => added.available);
  added.unreachable('connect ECONNREFUSED');
  assert.deepEqual(r.workers.available, []);
  await until(() => added.available);
});

test('a worker that is late beyond the start-up timeout is reported once and polled on', async () => {
  let healthy = false;
  await using worker = await fakeWorker((_, response) => response.writeHead(healthy ? 200 : 503).end());
  await using r = registry({ path: '/ready', overdueMs: 10 });
  const added = r.workers.add(worker.url);
  const overdue = () => r.lines.filter((line) => line.includes('--worker-startup-timeout-secs')).length;
  await until(() => overdue() === 1);
  for (let polls = 0; polls < 2; polls++) added.poke();
  healthy = true;
  await until(() => added.available);
  assert.equal(overdue(), 1);
});

test("the worker's key goes with health checks", async () => {
  const keys: (string | undefined)[] = [];
  await using worker = await fakeWorker((request, response) => {
    keys.push(request.headers.authorization);
    response.end();
  });
  await using r = registry({ path: '/ready' });
  const added = r.workers.add(worker.url, { apiKey: 'k' });
  await until(() => added.available);
  assert.deepEqual(keys, ['Bearer k']);
});
