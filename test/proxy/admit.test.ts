import assert from 'node:assert/strict';
import type { ServerResponse } from 'node:http';
import { test } from 'node:test';
import { fakeWorker } from '../helpers/fake-worker.ts';
import { testRouter, until } from '../helpers/test-router.ts';

const post = (url: string, body = '{}') => fetch(`${url}/generate`, { method: 'POST', body });

test('no more than --max-concurrent-requests reach the workers, the rest wait in order', async () => {
  const waiting: { response: ServerResponse; body: string }[] = [];
  await using worker = await fakeWorker((_, response, body) => void waiting.push({ response, body: String(body) }));
  await using router = await testRouter([worker.url], ['--max-concurrent-requests', '2']);
  const answers: Promise<Response>[] = [];
  for (let i = 0; i < 6; i++) {
    answers.push(post(router.url, String(i)));
    await until(() => router.router.admission.inFlight + router.router.admission.queued === i + 1);
  }
  await until(() => waiting.length === 2);
  assert.deepEqual([router.router.admission.inFlight, router.router.admission.queued], [2, 4]);
  for (let i = 0; i < 6; i++) {
    await until(() => waiting.length > i);
    waiting[i]?.response.end(waiting[i]?.body);
  }
  const texts = await Promise.all(answers.map(async (answer) => (await answer).text()));
  assert.deepEqual(texts, ['0', '1', '2', '3', '4', '5']);
  assert.deepEqual(
    waiting.slice(2).map(({ body }) => body),
    ['2', '3', '4', '5'],
  );
  await until(() => router.router.admission.inFlight === 0);
});

test('a full queue answers 429 with Retry-After and says which flags set the limit', async () => {
  const waiting: ServerResponse[] = [];
  await using worker = await fakeWorker((_, response) => void waiting.push(response));
  await using router = await testRouter([worker.url], ['--max-concurrent-requests', '1', '--queue-size', '0']);
  const first = post(router.url);
  await until(() => waiting.length === 1);
  const refused = await post(router.url);
  assert.equal(refused.status, 429);
  assert.equal(refused.headers.get('retry-after'), '1');
  const { error } = (await refused.json()) as { error: { code: string; message: string } };
  assert.equal(error.code, 'too_many_requests');
  assert.match(error.message, /--max-concurrent-requests, --queue-size/);
  waiting[0]?.end('ok');
  assert.equal(await (await first).text(), 'ok');
});

test('a wait longer than --queue-timeout-secs answers 429', async () => {
  const waiting: ServerResponse[] = [];
  await using worker = await fakeWorker((_, response) => void waiting.push(response));
  await using router = await testRouter([worker.url], ['--max-concurrent-requests', '1'], { queueTimeoutMs: 20 });
  const first = post(router.url);
  await until(() => waiting.length === 1);
  const refused = await post(router.url);
  assert.equal(refused.status, 429);
  assert.match(await refused.text(), /--queue-timeout-secs/);
  assert.equal(router.router.admission.queued, 0);
  waiting[0]?.end();
  await first;
});

test('questions about the engine are not held up by a full router', async () => {
  const waiting: ServerResponse[] = [];
  await using worker = await fakeWorker((request, response) => {
    if (request.url === '/generate') waiting.push(response);
    else response.end('{}');
  });
  await using router = await testRouter([worker.url], ['--max-concurrent-requests', '1', '--queue-size', '0']);
  const first = post(router.url);
  await until(() => waiting.length === 1);
  for (const path of ['/v1/models', '/get_server_info', '/get_model_info', '/health']) {
    assert.equal((await fetch(router.url + path)).status, 200, path);
  }
  waiting[0]?.end();
  await first;
});

test('a cap below one means no cap', async () => {
  const waiting: ServerResponse[] = [];
  await using worker = await fakeWorker((_, response) => void waiting.push(response));
  await using router = await testRouter([worker.url], ['--max-concurrent-requests', '-1']);
  const answers = Array.from({ length: 80 }, () => post(router.url));
  await until(() => waiting.length === 80);
  for (const response of waiting) response.end();
  await Promise.all(answers);
});
