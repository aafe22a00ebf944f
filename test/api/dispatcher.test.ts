import assert from 'node:assert/strict';
import { request } from 'node:http';
import { test } from 'node:test';
import { answering, fakeWorker } from '../helpers/fake-worker.ts';
import { sendRaw } from '../helpers/raw-client.ts';
import { testRouter, until } from '../helpers/test-router.ts';

const OWN_PATHS: Readonly<Record<string, string>> = {
  '/health': 'GET, HEAD',
  '/liveness': 'GET, HEAD',
  '/readiness': 'GET, HEAD',
  '/health_generate': 'GET, HEAD',
  '/add_worker': 'POST',
  '/remove_worker': 'POST',
  '/list_workers': 'GET, HEAD',
  '/workers': 'GET, HEAD, POST',
  '/workers/some-id': 'GET, HEAD, PUT, DELETE',
};

test('a wrong method is 405 with the right ones in allow; no worker is asked', async () => {
  await using worker = await fakeWorker(answering(''));
  await using router = await testRouter([worker.url]);
  for (const [path, allow] of Object.entries(OWN_PATHS)) {
    const answer = await fetch(`${router.url}${path}?a=b`, { method: 'PATCH' });
    assert.deepEqual([answer.status, answer.headers.get('allow')], [405, allow], path);
    const { error } = (await answer.json()) as { error: { code: string; message: string } };
    assert.equal(error.code, 'method_not_allowed');
    assert.equal(error.message, `${path} takes ${allow}, got PATCH`);
  }
  assert.deepEqual(worker.seen, []);
});

test('HEAD is served where GET is', async () => {
  await using router = await testRouter([]);
  for (const path of ['/health', '/list_workers', '/workers']) {
    const answer = await fetch(router.url + path, { method: 'HEAD' });
    assert.deepEqual([answer.status, await answer.text()], [200, ''], path);
    assert.ok(Number(answer.headers.get('content-length')) > 0, path);
  }
});

test('paths that only look like own ones go to a worker, query and all', async () => {
  await using worker = await fakeWorker(answering('worker'));
  await using router = await testRouter([worker.url]);
  for (const path of ['/healthy', '/workers/', '/v1/workers', '/add_worker/x', '/Health?a=1']) {
    assert.equal(await (await fetch(router.url + path)).text(), 'worker', path);
  }
  assert.deepEqual(worker.seen.at(-1), 'GET /Health?a=1');
});

test('own paths are served whatever host a client names before them', async () => {
  await using router = await testRouter([]);
  for (const host of ['router', 'user@router:80', 'a:b:c', '%']) {
    const answer = await sendRaw(router.url, `GET http://${host}/list_workers?a=b HTTP/1.0\r\n\r\n`);
    assert.match(answer, /^HTTP\/1\.1 200 /, host);
  }
});

test('with --api-key the workers are managed with the key only, health is open', async () => {
  await using router = await testRouter([], ['--api-key', 'secret']);
  const admin = [
    ['POST', '/add_worker?url=http://127.0.0.1:1'],
    ['POST', '/remove_worker?url=http://127.0.0.1:1'],
    ['GET', '/list_workers'],
    ['GET', '/workers'],
    ['POST', '/workers'],
    ['GET', '/workers/x'],
    ['PUT', '/workers/x'],
    ['DELETE', '/workers/x'],
  ] as const;
  for (const [method, path] of admin) {
    const refused = await fetch(router.url + path, { method });
    const { error } = (await refused.json()) as { error: { code: string } };
    assert.deepEqual([refused.status, error.code], [401, 'unauthorized'], path);
  }
  assert.equal(router.router.registry.workers.length, 0);
  const authorization = 'Bearer secret';
  assert.equal((await fetch(`${router.url}/list_workers`, { headers: { authorization } })).status, 200);
  assert.equal((await fetch(`${router.url}/health`)).status, 200);
});

test('a path that is not URL-encoded well is a 400', async () => {
  await using router = await testRouter([]);
  const answer = await fetch(`${router.url}/workers/%E0%A4%A`);
  assert.equal(answer.status, 400);
  assert.match(((await answer.json()) as { error: string }).error, /expected a URL-encoded path/);
});

test('a client that leaves in the middle of its body is nobody’s error', async () => {
  await using router = await testRouter([]);
  const leaving = request(`${router.url}/workers`, { method: 'POST', headers: { 'content-length': 100 } });
  leaving.on('error', () => {});
  leaving.write('{');
  await until(() => leaving.socket !== null && !leaving.socket.connecting);
  leaving.destroy();
  assert.equal((await fetch(`${router.url}/workers`, { method: 'POST', body: '{' })).status, 400);
  assert.deepEqual(
    router.lines.filter((line) => line.includes('request failed')),
    [],
  );
});

test('a body above 1 MiB is a 413, bad JSON and a JSON list are a 400', async () => {
  await using router = await testRouter([]);
  const post = async (body: string) => {
    const answer = await fetch(`${router.url}/workers`, { method: 'POST', body });
    return [answer.status, ((await answer.json()) as { code: string }).code];
  };
  assert.deepEqual(await post(`{"url": "${'x'.repeat(2 ** 20)}"}`), [413, 'PAYLOAD_TOO_LARGE']);
  assert.deepEqual(await post('{"url": '), [400, 'BAD_REQUEST']);
  assert.deepEqual(await post('["http://127.0.0.1:1"]'), [400, 'BAD_REQUEST']);
});
