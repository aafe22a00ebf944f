import assert from 'node:assert/strict';
import { once } from 'node:events';
import type { ServerResponse } from 'node:http';
import { createServer } from 'node:net';
import { test } from 'node:test';
import { defaultThreads } from '../../src/router/threads/default-threads.ts';
import { answering, fakeWorker } from '../helpers/fake-worker.ts';
import { testRouter, until } from '../helpers/test-router.ts';

const THREADS = { dataThreads: 3 };
const post = (url: string, body = '{"text":"a"}', path = '/generate') =>
  fetch(`${url}${path}`, { method: 'POST', body, headers: { connection: 'close' } });

test('all threads serve one port, with one cap, one count of what is in flight, and one choice of workers', async () => {
  const held: ServerResponse[] = [];
  await using one = await fakeWorker((_, response) => void held.push(response));
  await using two = await fakeWorker((_, response) => void held.push(response));
  await using router = await testRouter([one.url, two.url], ['--max-concurrent-requests', '8'], THREADS);
  const { admission, registry } = router.router;
  const answers = Array.from({ length: 24 }, async () => (await post(router.url)).text());
  await until(() => admission.inFlight === 8 && admission.queued === 16 && held.length === 8);
  assert.deepEqual(
    registry.workers.map(({ load }) => load),
    [4, 4],
  );
  let answered = 0;
  for (const answer of answers) void answer.then(() => answered++);
  while (answered < answers.length) {
    held.shift()?.end('ok');
    await new Promise(setImmediate);
  }
  assert.deepEqual(new Set(await Promise.all(answers)), new Set(['ok']));
  await until(() => admission.inFlight === 0 && registry.workers.every(({ load }) => load === 0));
});

test('a prompt meets the worker that has its prefix, whichever thread reads it', async () => {
  await using one = await fakeWorker(answering('ok'));
  await using two = await fakeWorker(answering('ok'));
  await using router = await testRouter([one.url, two.url], [], { ...THREADS, policy: 'cache_aware' });
  const text = JSON.stringify({ text: 'a long prompt '.repeat(200) });
  const workers = new Set<string | null>();
  for (let i = 0; i < 12; i++) workers.add((await post(router.url, text)).headers.get('x-sglang-router-worker'));
  assert.equal(workers.size, 1);
});

test('a thread that ends is replaced; what its requests held is given back, and those of others go on', async () => {
  const held: ServerResponse[] = [];
  let isHolding = true;
  await using worker = await fakeWorker((_, response) => {
    if (isHolding) held.push(response);
    else response.end('ok');
  });
  await using router = await testRouter([worker.url], [], THREADS);
  const { admission, registry } = router.router;
  const answers = Array.from({ length: 30 }, () =>
    post(router.url).then(
      (answer) => answer.text(),
      () => 'cut',
    ),
  );
  await until(() => held.length === 30);
  router.router.endDataThread(0);
  await until(() => admission.inFlight < 30);
  const left = admission.inFlight;
  assert.ok(left > 0, 'the system gave all connections to one thread');
  await until(() => registry.workers[0]?.load === left);
  isHolding = false;
  for (const response of held) response.end('ok');
  const texts = await Promise.all(answers);
  assert.equal(texts.filter((text) => text === 'ok').length, left);
  assert.equal(texts.filter((text) => text === 'cut').length, 30 - left);
  await until(() => admission.inFlight === 0);
  assert.equal(router.lines.filter((line) => line.includes('a data thread has ended')).length, 1);
  for (let i = 0; i < 12; i++) assert.equal(await (await post(router.url)).text(), 'ok');
});

test('a worker that is removed and added again at its URL keeps its requests when the last of the old ones has ended', async () => {
  const held: ServerResponse[] = [];
  await using worker = await fakeWorker((_, response) => {
    response.write('one ');
    held.push(response);
  });
  await using router = await testRouter([worker.url], [], THREADS);
  const { registry } = router.router;
  const texts = (count: number) => Array.from({ length: count }, async () => (await post(router.url)).text());
  const before = texts(12);
  await until(() => held.length === 12);
  const removed = registry.remove(worker.url);
  registry.add({ url: worker.url });
  await until(() => registry.available().length === 1);
  const after = texts(12);
  await until(() => held.length === 24);
  for (const response of held.splice(0, 12)) response.end('answer');
  await Promise.all(before);
  assert.equal(await removed, true);
  // The threads have handled what the end of the removal told them when they answer this.
  await Promise.all(Array.from({ length: 12 }, async () => (await fetch(`${router.url}/health`)).text()));
  for (const response of held) response.end('answer');
  assert.deepEqual(new Set(await Promise.all([...before, ...after])), new Set(['one answer']));
});

test('the router’s own paths answer in every thread, with bodies, keys and errors', async () => {
  await using worker = await fakeWorker(answering('ok'));
  await using router = await testRouter([worker.url], ['--api-key', 'secret'], THREADS);
  for (let i = 0; i < 9; i++) {
    assert.equal((await fetch(`${router.url}/health`, { headers: { connection: 'close' } })).status, 200);
    const refused = await fetch(`${router.url}/workers`, { headers: { connection: 'close' } });
    assert.equal(refused.status, 401);
    const listed = await fetch(`${router.url}/workers`, {
      headers: { connection: 'close', authorization: 'Bearer secret' },
    });
    const { workers } = (await listed.json()) as { workers: { url: string }[] };
    assert.deepEqual(
      workers.map(({ url }) => url),
      [worker.url],
    );
    const bad = await fetch(`${router.url}/workers`, {
      method: 'POST',
      body: '{"url":',
      headers: { connection: 'close', authorization: 'Bearer secret' },
    });
    assert.equal(bad.status, 400);
  }
});

test('a client that leaves, in whichever thread, ends the call to the worker', async () => {
  let closed = 0;
  let seen = 0;
  await using worker = await fakeWorker((request) => {
    seen++;
    request.on('close', () => closed++);
  });
  await using router = await testRouter([worker.url], [], THREADS);
  const leaving = new AbortController();
  const answers = Array.from({ length: 9 }, () =>
    fetch(`${router.url}/generate`, { method: 'POST', body: '{}', signal: leaving.signal }).catch(() => undefined),
  );
  await until(() => seen === 9);
  leaving.abort();
  await Promise.all(answers);
  await until(() => closed === 9 && router.router.admission.inFlight === 0);
});

test('a port that somebody listens at is an error, though the system would share it', async () => {
  const other = createServer().listen({ port: 0, host: '127.0.0.1', reusePort: true });
  await once(other, 'listening');
  const { port } = other.address() as { port: number };
  await assert.rejects(testRouter([], [], { ...THREADS, port }), { code: 'port_in_use' });
  other.close();
});

test('few cores have one thread, many a quarter as many threads, at most 8; one where the system does not spread connections', () => {
  assert.deepEqual(
    [1, 2, 7, 8, 16, 31, 32, 256].map((cores) => defaultThreads(cores, true)),
    [1, 1, 1, 2, 4, 7, 8, 8],
  );
  assert.equal(defaultThreads(64, false), 1);
});
