import assert from 'node:assert/strict';
import type { ServerResponse } from 'node:http';
import { test } from 'node:test';
import { fakeWorker } from '../helpers/fake-worker.ts';
import { testRouter, until } from '../helpers/test-router.ts';

const generate = (url: string) => fetch(`${url}/generate`, { method: 'POST', body: '{}' });
const remove = (url: string, query: string) => fetch(`${url}/remove_worker?${query}`, { method: 'POST' });

/** A worker that begins every answer and leaves it open. */
async function streamingWorker() {
  const open: ServerResponse[] = [];
  const worker = await fakeWorker((_, response) => {
    response.write('first ');
    open.push(response);
  });
  return { worker, open };
}

test('answered at once: nothing is sent there any more, and a running stream finishes', async () => {
  const { worker, open } = await streamingWorker();
  await using _ = worker;
  await using other = await fakeWorker((_request, response) => void response.end('other'));
  await using router = await testRouter([worker.url]);
  const streaming = await generate(router.url);
  router.router.registry.add({ url: other.url });
  await until(() => router.router.registry.available().length === 2);
  const removed = await remove(router.url, `url=${encodeURIComponent(worker.url)}`);
  assert.deepEqual([removed.status, await removed.text()], [200, `Successfully removed worker: ${worker.url}`]);
  for (let i = 0; i < 4; i++) assert.equal(await (await generate(router.url)).text(), 'other');
  assert.deepEqual(worker.seen, ['POST /generate']);
  open[0]?.end('last');
  assert.equal(await streaming.text(), 'first last');
});

test('with grace_secs answered when the running requests have ended', async () => {
  const { worker, open } = await streamingWorker();
  await using _ = worker;
  await using router = await testRouter([worker.url]);
  const streaming = await generate(router.url);
  let answered = false;
  const removing = remove(router.url, `url=${worker.url}&grace_secs=60`).finally(() => {
    answered = true;
  });
  await until(() => router.router.registry.workers.length === 0);
  for (let i = 0; i < 3; i++) await fetch(`${router.url}/health`);
  assert.equal(answered, false);
  open[0]?.end('last');
  assert.equal(await streaming.text(), 'first last');
  assert.equal((await removing).status, 200);
});

test('or when the time is over: what still runs is cut off', async () => {
  const { worker } = await streamingWorker();
  await using _ = worker;
  await using router = await testRouter([worker.url]);
  const streaming = await generate(router.url);
  const cut = assert.rejects(streaming.text());
  const answer = await fetch(`${router.url}/remove_worker`, {
    method: 'POST',
    body: JSON.stringify({ url: `${worker.url}/`, grace_secs: 0 }),
  });
  assert.equal(answer.status, 200);
  await cut;
});

test('an unknown worker is a 404, a missing or a bad URL a 400', async () => {
  await using router = await testRouter([]);
  const codeOf = async (query: string) => {
    const answer = await remove(router.url, query);
    const { error } = (await answer.json()) as { error: { code: string; message: string } };
    return [answer.status, error.code];
  };
  assert.deepEqual(await codeOf('url=http://127.0.0.1:1'), [404, 'worker_not_found']);
  assert.deepEqual(await codeOf(''), [400, 'bad_request']);
  assert.deepEqual(await codeOf('url=127.0.0.1:1'), [400, 'bad_request']);
});
