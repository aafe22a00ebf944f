import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { test } from 'node:test';
import { promisify } from 'node:util';
import { answering, fakeWorker } from '../helpers/fake-worker.ts';
import { startingWorker } from '../helpers/starting-worker.ts';
import { type TestRouter, testRouter, until } from '../helpers/test-router.ts';

const curl = async (...args: string[]) => (await promisify(execFile)('curl', ['-s', ...args])).stdout;

async function add(router: TestRouter, query: string, body?: object) {
  const init = body === undefined ? {} : { body: JSON.stringify(body) };
  const answer = await fetch(`${router.url}/add_worker${query}`, { method: 'POST', ...init });
  const text = await answer.text();
  const error = text.startsWith('{') ? (JSON.parse(text).error as { code: string; message: string }) : undefined;
  return { status: answer.status, text, code: error?.code, message: error?.message ?? '' };
}

const urlsOf = ({ router }: TestRouter) => router.registry.workers.map(({ url }) => url);

test("the manual's curl lines add and remove a worker", async () => {
  await using worker = await fakeWorker(answering('new'));
  await using router = await testRouter([]);
  const added = await curl('-X', 'POST', `${router.url}/add_worker?url=${worker.url}`);
  assert.equal(added, `Successfully added worker: ${worker.url}`);
  assert.equal(await curl('-d', '{}', `${router.url}/generate`), 'new');
  const removed = await curl('-X', 'POST', `${router.url}/remove_worker?url=${worker.url}`);
  assert.equal(removed, `Successfully removed worker: ${worker.url}`);
  assert.deepEqual(JSON.parse(await curl(`${router.url}/list_workers`)), { urls: [] });
});

test('the URL may be encoded, end with a slash, or stand in a JSON body', async () => {
  await using worker = await fakeWorker(answering(''));
  await using router = await testRouter([]);
  const ways = [
    [`?url=${encodeURIComponent(worker.url)}`],
    [`?url=${worker.url}/`],
    ['', { url: worker.url }],
  ] as const;
  for (const [query, body] of ways) {
    const { status, text } = await add(router, query, body);
    assert.deepEqual([status, text], [200, `Successfully added worker: ${worker.url}`]);
    assert.deepEqual(urlsOf(router), [worker.url]);
    await router.router.registry.remove(worker.url);
  }
});

test('it is answered when the worker is healthy, and only then is the worker listed and used', async () => {
  await using worker = await startingWorker();
  await using router = await testRouter([]);
  let answered = false;
  const adding = add(router, `?url=${worker.url}`).finally(() => {
    answered = true;
  });
  await until(() => worker.checks() > 1);
  assert.equal(answered, false);
  assert.deepEqual(await (await fetch(`${router.url}/list_workers`)).json(), { urls: [] });
  worker.finish();
  assert.equal((await adding).status, 200);
  assert.deepEqual(await (await fetch(`${router.url}/list_workers`)).json(), { urls: [worker.url] });
  assert.equal(await (await fetch(`${router.url}/generate`, { method: 'POST', body: '{}' })).text(), 'served');
});

test('a worker that is not healthy in time is a 504 with the reason, and is removed again', async () => {
  await using worker = await startingWorker();
  await using router = await testRouter([], [], { workerStartupTimeoutMs: 200 });
  const late = await add(router, `?url=${worker.url}`);
  assert.deepEqual([late.status, late.code], [504, 'worker_start_timeout']);
  assert.match(late.message, /was not healthy within 0\.2 s and is removed again: .*503/);
  assert.deepEqual(urlsOf(router), []);
  const closed = await add(router, '?url=http://127.0.0.1:1');
  assert.equal(closed.status, 504);
  assert.match(closed.message, /ECONNREFUSED/);
});

test('timeout_secs stands in for --worker-startup-timeout-secs', async () => {
  await using worker = await startingWorker();
  await using router = await testRouter([]);
  const { status, message } = await add(router, `?url=${worker.url}&timeout_secs=1`);
  assert.equal(status, 504);
  assert.match(message, /not healthy within 1 s/);
  assert.equal((await add(router, `?url=${worker.url}&timeout_secs=soon`)).status, 400);
});

test('a URL that is there already is a 409, unless it is just being added: then both wait', async () => {
  await using worker = await startingWorker();
  await using router = await testRouter([]);
  const both = [add(router, `?url=${worker.url}`), add(router, `?url=${worker.url}/`)];
  await until(() => worker.checks() > 1);
  worker.finish();
  assert.deepEqual(
    (await Promise.all(both)).map(({ status }) => status),
    [200, 200],
  );
  const again = await add(router, `?url=${worker.url}`);
  assert.deepEqual([again.status, again.code], [409, 'worker_conflict']);
  assert.match(again.message, /is there already \(ready\)/);
});

test('who joins with a shorter time is told that it goes on', async () => {
  await using worker = await startingWorker();
  await using router = await testRouter([]);
  const adding = add(router, `?url=${worker.url}`);
  await until(() => worker.checks() > 0);
  const late = await add(router, `?url=${worker.url}&timeout_secs=1`);
  assert.equal(late.status, 504);
  assert.match(late.message, /not healthy within 1 s and is still being added: .*503/);
  worker.finish();
  assert.equal((await adding).status, 200);
});

test('a worker of --worker-urls that is still starting is there already', async () => {
  await using worker = await startingWorker();
  await using router = await testRouter([]);
  router.router.registry.add({ url: worker.url, source: 'static' });
  assert.equal((await add(router, `?url=${worker.url}`)).status, 409);
  assert.deepEqual(urlsOf(router), [worker.url]);
});

test('a client that leaves changes nothing: the worker is added', async () => {
  await using worker = await startingWorker();
  await using router = await testRouter([]);
  const leaving = new AbortController();
  const gone = fetch(`${router.url}/add_worker?url=${worker.url}`, { method: 'POST', signal: leaving.signal });
  await until(() => worker.checks() > 0);
  leaving.abort();
  await assert.rejects(gone);
  worker.finish();
  await until(() => router.router.registry.available().length === 1);
});

test('removed while it is being added: 409 to who waits', async () => {
  await using worker = await startingWorker();
  await using router = await testRouter([]);
  const adding = add(router, `?url=${worker.url}`);
  await until(() => worker.checks() > 0);
  assert.equal((await fetch(`${router.url}/remove_worker?url=${worker.url}`, { method: 'POST' })).status, 200);
  const { status, message } = await adding;
  assert.equal(status, 409);
  assert.match(message, /removed before it was healthy/);
});

const MISTAKES: readonly (readonly [query: string, body: object | undefined, status: number, message: RegExp])[] = [
  ['', undefined, 400, /^Worker URL required\. Provide 'url' query parameter$/],
  ['?url=http://a:1&url=http://b:1', undefined, 400, /^expected url once, got it 2 times$/],
  ['?url=', undefined, 400, /^Worker URL required/],
  ['?url=127.0.0.1:30001', undefined, 400, /^url: .*got .127\.0\.0\.1:30001.; write http:\/\/127\.0\.0\.1:30001$/],
  ['?url=localhost:30001', undefined, 400, /; write http:\/\/localhost:30001$/],
  ['?url=ftp://a', undefined, 400, /^url: expected a URL that starts with http:\/\/ or https:\/\/, got 'ftp:\/\/a'$/],
  ['?url=grpc://a:1', undefined, 400, /gRPC workers are not supported/],
  ['?url=http://', undefined, 400, /^url: expected a host after http:\/\/, got 'http:\/\/'$/],
  [
    '?url=http://a:99999',
    undefined,
    400,
    /^url: expected a port between 1 and 65535, got '99999' in 'http:\/\/a:99999'$/,
  ],
  [
    '?url=http://a:1,http://b:2',
    undefined,
    400,
    /^url: expected one URL, got 'http:\/\/a:1,http:\/\/b:2'; write each server by itself/,
  ],
  ['?url=http://u:p@a:1', undefined, 400, /^url: expected a URL without user, query or fragment/],
  ['?url=http://a:1&worker_type=both', undefined, 400, /^worker_type: expected regular on this router, got 'both'$/],
  ['?url=http://a:1&bootstrap_port=0', undefined, 400, /^bootstrap_port: .*between 1 and 65535/],
  ['?url=http://a:1&api_key=k', undefined, 400, /^expected api_key in a JSON body/],
  ['', { url: 7 }, 422, /^url: expected a string, got 7$/],
  ['', { url: ['http://a:1'] }, 422, /^url: expected a string, got \["http:\/\/a:1"\]$/],
  ['', { url: 'http://a:1', api_key: 7 }, 422, /^api_key: expected a string, got a number$/],
  ['', { url: 'http://a:1', labels: { a: 1 } }, 422, /^labels: expected an object of strings/],
];

test('a URL in another spelling is the same worker', async () => {
  await using worker = await fakeWorker(answering(''));
  await using router = await testRouter([]);
  const odd = worker.url.replace('http:', 'HTTP:').replace(/:(\d+)$/, ':0$1/');
  assert.equal((await add(router, '', { url: odd })).status, 200);
  assert.deepEqual(urlsOf(router), [worker.url]);
  assert.equal((await add(router, `?url=${worker.url}`)).status, 409);
  const found = await fetch(`${router.url}/workers/${encodeURIComponent(odd)}`);
  assert.equal(((await found.json()) as { url: string }).url, worker.url);
});

test('the router does not take itself for a worker', async () => {
  await using router = await testRouter([]);
  const itself = await add(router, `?url=${router.url.replace('127.0.0.1', 'localhost')}`);
  assert.equal(itself.status, 503);
  assert.match(itself.message, /\/health answered 508: it is this router itself/);
  assert.deepEqual(urlsOf(router), []);
});

test('mistakes are told, and nothing is added', async () => {
  await using router = await testRouter([]);
  for (const [query, body, expected, pattern] of MISTAKES) {
    const { status, message } = await add(router, query, body);
    assert.equal(status, expected, `${query} ${JSON.stringify(body)}: ${message}`);
    assert.match(message, pattern);
  }
  assert.deepEqual(urlsOf(router), []);
});

test('role, bootstrap port and key are taken; without a key it gets that of the router', async () => {
  const keys: (string | undefined)[] = [];
  await using worker = await fakeWorker((request, response) => {
    keys.push(request.headers.authorization);
    response.end();
  });
  await using router = await testRouter([], ['--api-key', 'ours']);
  const post = (path: string, body: object = {}) => {
    const headers = { authorization: 'Bearer ours' };
    return fetch(router.url + path, { method: 'POST', body: JSON.stringify(body), headers });
  };
  const { registry } = router.router;
  assert.equal((await post(`/add_worker?url=${worker.url}`)).status, 200);
  await post('/generate');
  await registry.remove(worker.url);
  await post('/add_worker', { url: worker.url, api_key: 'theirs' });
  await post('/generate');
  assert.deepEqual(keys, ['Bearer ours', 'Bearer theirs']);
  assert.deepEqual(
    registry.workers.map(({ role, spec }) => [role, spec.source]),
    [['regular', 'api']],
  );
});

test('prefill and decode servers are added to a router that brings them together, and no others', async () => {
  await using worker = await fakeWorker(answering(''));
  await using router = await testRouter([], ['--pd-disaggregation']);
  const { registry } = router.router;
  for (const type of ['', '&worker_type=regular']) {
    const { status, message } = await add(router, `?url=${worker.url}${type}`);
    assert.equal(status, 400);
    assert.equal(message, "worker_type: expected prefill or decode on this router, got 'regular'");
  }
  await add(router, `?url=${worker.url}&worker_type=prefill&bootstrap_port=8998`);
  assert.deepEqual(
    registry.workers.map(({ role, spec }) => [role, spec.bootstrapPort, spec.source]),
    [['prefill', 8998, 'api']],
  );
  await registry.remove(worker.url);
  assert.equal((await add(router, '', { url: worker.url, worker_type: 'decode' })).status, 200);
  assert.equal(registry.workers[0]?.role, 'decode');
});
