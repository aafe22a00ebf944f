import assert from 'node:assert/strict';
import type { ServerResponse } from 'node:http';
import { test } from 'node:test';
import { answering, fakeWorker } from '../helpers/fake-worker.ts';
import { testRouter, until } from '../helpers/test-router.ts';

const QUICK = { retryInitialBackoffMs: 1, retryMaxBackoffMs: 5 };
const EVENTS = { 'content-type': 'text/event-stream' };
const post = (url: string) => fetch(`${url}/generate`, { method: 'POST', body: '{}' });
const errorOf = async (answer: Response) =>
  ((await answer.json()) as { error: { code: string; message: string } }).error;

test('no first byte within --first-byte-timeout-secs: another worker is asked, the silent one let go', async () => {
  const { promise: letGo, resolve } = Promise.withResolvers<void>();
  await using silent = await fakeWorker((_request, response) => {
    response.writeHead(200).flushHeaders();
    response.on('close', resolve);
  });
  await using good = await fakeWorker(answering('good'));
  await using router = await testRouter([silent.url, good.url], [], { ...QUICK, firstByteTimeoutMs: 500 });
  for (let i = 0; i < 2; i++) assert.equal(await (await post(router.url)).text(), 'good');
  await letGo;
  assert.ok(silent.seen.length > 0);
});

test('no first byte from anybody: 504 that names the flag', async () => {
  await using silent = await fakeWorker(() => {});
  await using router = await testRouter([silent.url], ['--disable-retries'], { firstByteTimeoutMs: 20 });
  const answer = await post(router.url);
  assert.equal(answer.status, 504);
  const { code, message } = await errorOf(answer);
  assert.equal(code, 'worker_timeout');
  assert.match(message, /no first byte within 0.02 s \(--first-byte-timeout-secs\)/);
  assert.ok(message.includes(silent.url));
});

test('a first byte in time may be followed by a long answer', async () => {
  await using worker = await fakeWorker((_request, response) => {
    response.write('first ');
    setTimeout(() => response.end('last'), 1_200);
  });
  await using router = await testRouter([worker.url], [], { firstByteTimeoutMs: 600 });
  assert.equal(await (await post(router.url)).text(), 'first last');
});

test('a stream that stands still for --stream-idle-timeout-secs ends with an error, and counts against the worker', async () => {
  await using worker = await fakeWorker((_request, response) => {
    response.writeHead(200, EVENTS).write('data: {"n":1}\n\n');
  });
  await using router = await testRouter([worker.url], [], { streamIdleTimeoutMs: 60 });
  const text = await (await post(router.url)).text();
  assert.match(text, /^data: \{"n":1\}\n\ndata: \{"error":.*"code":"worker_timeout".*--stream-idle-timeout-secs/);
  await until(() => router.router.registry.workers[0]?.breaker.failures === 1);
});

test('a stream that moves, however slowly, is none that stands still; one that the client does not read is none either', async () => {
  await using slow = await fakeWorker(async (request, response) => {
    response.writeHead(200, EVENTS);
    if (request.headers['x-big']) {
      for (let i = 0; i < 200; i++) response.write(Buffer.alloc(64 * 1024, 'x'));
    } else {
      for (let i = 0; i < 10; i++) {
        response.write(`data: ${i}\n\n`);
        await new Promise((resolve) => setTimeout(resolve, 150));
      }
    }
    response.end();
  });
  await using router = await testRouter([slow.url], [], { streamIdleTimeoutMs: 1_000 });
  assert.match(await (await post(router.url)).text(), /data: 9\n\n$/);
  const big = await fetch(`${router.url}/generate`, { method: 'POST', body: '{}', headers: { 'x-big': '1' } });
  const reader = (big.body as ReadableStream<Uint8Array>).getReader();
  let length = (await reader.read()).value?.length ?? 0;
  await new Promise((resolve) => setTimeout(resolve, 2_000));
  for (let part = await reader.read(); !part.done; part = await reader.read()) length += part.value.length;
  assert.equal(length, 200 * 64 * 1024);
});

test('--request-timeout-secs bounds all attempts together', async () => {
  const hanging: ServerResponse[] = [];
  await using worker = await fakeWorker((_request, response) => void hanging.push(response));
  await using router = await testRouter([worker.url], [], {
    ...QUICK,
    firstByteTimeoutMs: 600,
    requestTimeoutMs: 1_500,
  });
  const answer = await post(router.url);
  assert.equal(answer.status, 504);
  assert.match((await errorOf(answer)).message, /did not finish within 1.5 s \(--request-timeout-secs\)/);
  assert.ok(hanging.length >= 2 && hanging.length <= 3);
});

test('an answer that takes too long as a whole is not the worker’s failure', async () => {
  await using worker = await fakeWorker((_request, response) => {
    response.writeHead(200, EVENTS);
    const more = setInterval(() => response.write('data: 1\n\n'), 10);
    response.on('close', () => clearInterval(more));
  });
  await using router = await testRouter([worker.url], [], { requestTimeoutMs: 1_000 });
  const text = await (await post(router.url)).text();
  assert.match(text, /"code":"worker_timeout"/);
  await until(() => router.router.registry.workers[0]?.load === 0);
  assert.equal(router.router.registry.workers[0]?.breaker.failures, 0);
});

test('when a worker is found to hang, what waits there goes elsewhere and what streams runs on', async () => {
  const streams: ServerResponse[] = [];
  await using hanging = await fakeWorker((request, response) => {
    if (request.headers['x-stream'] === undefined) return;
    response.writeHead(200, EVENTS).write('data: 1\n\n');
    streams.push(response);
  });
  await using router = await testRouter([hanging.url], [], QUICK);
  const streaming = fetch(`${router.url}/generate`, { method: 'POST', body: '{}', headers: { 'x-stream': '1' } });
  await until(() => streams.length === 1);
  const waiting = [post(router.url), post(router.url)];
  await until(() => hanging.seen.length === 3);
  await using good = await fakeWorker(answering('good'));
  router.router.registry.add({ url: good.url });
  await until(() => router.router.registry.available().length === 2);
  router.router.registry.get(hanging.url)?.wedged('silent');
  const texts = await Promise.all(waiting.map(async (answer) => (await answer).text()));
  assert.deepEqual(texts, ['good', 'good']);
  streams[0]?.end('data: [DONE]\n\n');
  assert.equal(await (await streaming).text(), 'data: 1\n\ndata: [DONE]\n\n');
});
