import assert from 'node:assert/strict';
import { once } from 'node:events';
import type { ServerResponse } from 'node:http';
import { connect } from 'node:net';
import { test } from 'node:test';
import { answering, fakeWorker } from '../helpers/fake-worker.ts';
import { rawClient } from '../helpers/raw-client.ts';
import { testRouter, until } from '../helpers/test-router.ts';

const post = (url: string, headers: Record<string, string> = {}) =>
  fetch(`${url}/generate`, { method: 'POST', body: '{}', headers });

test('health endpoints answer for the router, with and without workers', async () => {
  await using worker = await fakeWorker(answering(''));
  await using alone = await testRouter([]);
  await using serving = await testRouter([worker.url]);
  for (const path of ['/health', '/liveness']) {
    for (const { url } of [alone, serving]) {
      const answer = await fetch(url + path);
      assert.deepEqual([answer.status, await answer.text()], [200, 'OK'], path);
    }
  }
  const ready = await fetch(`${serving.url}/readiness`);
  assert.equal(ready.status, 200);
  assert.deepEqual(await ready.json(), {
    status: 'ready',
    healthy_workers: 1,
    available_workers: 1,
    total_workers: 1,
  });
  assert.equal((await fetch(`${serving.url}/health_generate`)).status, 200);

  const notReady = await fetch(`${alone.url}/readiness`);
  assert.equal(notReady.status, 503);
  assert.equal(((await notReady.json()) as { status: string }).status, 'not ready');
  assert.equal((await fetch(`${alone.url}/health_generate`)).status, 503);
  assert.deepEqual(worker.seen, []);
});

test('while held: requests wait, then are served; readiness is 503 with progress, health is well', async () => {
  await using worker = await fakeWorker(answering('served'));
  await using started = await testRouter([worker.url]);
  const { router, url } = started;
  router.hold(() => ({ servers: [{ rank: 0, phase: 'weights' }] }));
  const held = post(url);
  await until(() => router.admission.queued === 1);
  const readiness = await fetch(`${url}/readiness`);
  assert.equal(readiness.status, 503);
  assert.deepEqual(((await readiness.json()) as { servers: unknown }).servers, [{ rank: 0, phase: 'weights' }]);
  assert.equal((await fetch(`${url}/health`)).status, 200);
  assert.deepEqual(worker.seen, []);
  router.release();
  assert.equal(await (await held).text(), 'served');
});

test('held for longer than --queue-timeout-secs: 503 with Retry-After and progress; at once for what does not wait', async () => {
  await using worker = await fakeWorker(answering('served'));
  await using started = await testRouter([worker.url], [], { queueTimeoutMs: 20 });
  const { router, url } = started;
  router.hold(() => ({ servers: [{ rank: 0, phase: 'weights' }] }));
  for (const held of [await post(url), await fetch(`${url}/v1/models`)]) {
    assert.deepEqual([held.status, held.headers.get('retry-after')], [503, '2']);
    const { error } = (await held.json()) as { error: { code: string; servers: unknown } };
    assert.deepEqual([error.code, error.servers], ['starting', [{ rank: 0, phase: 'weights' }]]);
  }
});

test('drain lets a stream finish, tells whoever comes or waits, and listens until all is done', async () => {
  const waiting: ServerResponse[] = [];
  await using worker = await fakeWorker((_, response) => {
    response.write('first ');
    waiting.push(response);
  });
  await using started = await testRouter([worker.url], ['--max-concurrent-requests', '1']);
  const { router, url } = started;
  const { port, hostname } = new URL(url);
  const idle = connect(Number(port), hostname);
  await once(idle, 'connect');
  const streaming = await post(url);
  const queued = post(url);
  await until(() => router.admission.queued === 1);
  const drained = router.drain(60_000);
  idle.write('POST /generate HTTP/1.1\r\nhost: x\r\ncontent-length: 2\r\n\r\n{}');
  const [refusal] = await once(idle, 'data');
  assert.match(String(refusal), /^HTTP\/1\.1 503[\s\S]*connection: close[\s\S]*"code":"draining"/);
  for (const refused of [await queued, await post(url)]) {
    const told = ['x-smg-error-code', 'connection'].map((name) => refused.headers.get(name));
    assert.deepEqual([refused.status, ...told], [503, 'draining', 'close']);
  }
  assert.equal((await fetch(`${url}/readiness`)).status, 503);
  assert.equal((await fetch(`${url}/health`)).status, 200);
  waiting[0]?.end('last');
  assert.equal(await streaming.text(), 'first last');
  assert.equal(await drained, 0);
  await assert.rejects(post(url), 'the listener is closed');
});

test('a drain serves one request more on each connection that was there, and says that it is the last', async () => {
  await using worker = await fakeWorker((_, response) => void setTimeout(() => response.end('answer'), 20));
  await using started = await testRouter([worker.url]);
  const { router, url } = started;
  const { port, hostname } = new URL(url);
  const ask = 'POST /generate HTTP/1.1\r\nhost: x\r\ncontent-length: 2\r\n\r\n{}';
  const clients = Array.from({ length: 3 }, () => connect(Number(port), hostname));
  const answers = clients.map((client) => {
    let text = '';
    client.on('data', (bytes) => {
      text += bytes;
    });
    return { whole: once(client, 'end').then(() => text), answered: () => text.split('answer').length - 1 };
  });
  for (const client of clients) client.write(ask);
  await until(() => answers.every(({ answered }) => answered() === 1));
  // One asks before the drain begins, one after, one not at all.
  clients[0]?.write(ask);
  await until(() => router.admission.inFlight === 1);
  const drained = router.drain(60_000);
  await until(() => router.admission.closed !== undefined);
  clients[1]?.write(ask);
  const fresh = await post(url);
  assert.deepEqual([fresh.status, fresh.headers.get('x-smg-error-code')], [503, 'draining']);
  assert.equal(await drained, 0);
  const texts = await Promise.all(answers.map(({ whole }) => whole));
  assert.deepEqual(
    texts.map((text) => [...text.matchAll(/HTTP\/1\.1 (\d+)[\s\S]*?connection: (\S+)/g)].map(([, ...told]) => told)),
    [
      [
        ['200', 'keep-alive'],
        ['200', 'close'],
      ],
      [
        ['200', 'keep-alive'],
        ['200', 'close'],
      ],
      [['200', 'keep-alive']],
    ],
  );
});

test('drain ends after its grace, cuts what is left, and says how many that were', async () => {
  const waiting: ServerResponse[] = [];
  await using worker = await fakeWorker((_, response) => void waiting.push(response));
  await using started = await testRouter([worker.url]);
  const { router, url } = started;
  const cut = post(url);
  await until(() => waiting.length === 1);
  assert.equal(await router.drain(10), 1);
  assert.equal((await cut).status, 503);
  await router.close();
});

test('with --api-key everything but health and models needs the key; the key reaches the worker', async () => {
  const keys: (string | undefined)[] = [];
  await using worker = await fakeWorker(
    (request, response) => {
      keys.push(request.headers.authorization);
      response.end('{}');
    },
    0,
    { '/get_model_info': '{}', '/v1/models': '{"data":[]}' },
  );
  await using started = await testRouter([worker.url], ['--api-key', 'secret']);
  const { url } = started;
  const refused = await post(url);
  assert.equal(refused.status, 401);
  assert.equal(((await refused.json()) as { error: { code: string } }).error.code, 'unauthorized');
  assert.equal((await fetch(`${url}/get_server_info`)).status, 401);
  for (const path of ['/health', '/liveness', '/readiness', '/health_generate', '/v1/models', '/get_model_info']) {
    assert.equal((await fetch(url + path)).status, 200, path);
  }
  assert.equal((await post(url, { authorization: 'Bearer secret' })).status, 200);
  assert.equal(keys.at(-1), 'Bearer secret');
});

test('--control-plane-api-keys alone guard the admin routes, unknown paths too; requests and what tells of the router stay open', async () => {
  await using worker = await fakeWorker(answering('a'));
  const keys = ['root:The Admin:admin:chief', 'ro:Others:user:clerk'];
  await using started = await testRouter([worker.url], ['--control-plane-api-keys', ...keys]);
  const { url } = started;
  const status = async (path: string, key: string, method = 'GET') =>
    (await fetch(url + path, { method, headers: { authorization: `Bearer ${key}` } })).status;
  const admin = [
    ...['/workers', '/list_workers', '/get_loads', 'POST /flush_cache', 'POST /pause_generation', 'POST /of_tomorrow'],
    ...['POST /add_worker', 'POST /update_weights_from_disk', 'DELETE /workers/x'],
  ];
  for (const route of admin) {
    const [path = '', method = 'GET'] = route.split(' ').reverse();
    assert.equal(await status(path, 'wrong', method), 401, route);
    assert.equal(await status(path, 'clerk', method), 403, route);
    assert.ok(![401, 403].includes(await status(path, 'chief', method)), route);
  }
  for (const path of ['/health', '/readiness', '/metrics']) assert.equal(await status(path, 'wrong'), 200, path);
  assert.equal((await post(url)).status, 200);
});

test('requests go to the workers in turn', async () => {
  await using a = await fakeWorker(answering('a'));
  await using b = await fakeWorker(answering('b'));
  await using started = await testRouter([a.url, b.url]);
  const { url } = started;
  const answers: string[] = [];
  for (let i = 0; i < 6; i++) answers.push(await (await post(url)).text());
  assert.deepEqual([a.seen.length, b.seen.length], [3, 3]);
  assert.notEqual(answers[0], answers[1]);
});

test("a worker's key takes the place of the client's own; without one the client's goes through", async () => {
  const keys: (string | undefined)[] = [];
  await using worker = await fakeWorker((request, response) => {
    keys.push(request.headers.authorization);
    response.end('{}');
  });
  await using started = await testRouter([]);
  const { router, url } = started;
  router.registry.add({ url: worker.url, apiKey: 'of-the-worker' });
  await post(url, { authorization: 'Bearer mine' });
  await post(url);
  await router.registry.remove(worker.url);
  router.registry.add({ url: worker.url });
  await post(url, { authorization: 'Bearer mine' });
  assert.deepEqual(keys, ['Bearer of-the-worker', 'Bearer of-the-worker', 'Bearer mine']);
});

test('a body of 300 MB is refused and not kept, whether its length is declared or not', async () => {
  await using worker = await fakeWorker(answering('never'));
  await using started = await testRouter([worker.url], ['--max-payload-size', '16MB']);
  const total = 300;
  const piece = Buffer.alloc(2 ** 20, 'x');
  const chunk = Buffer.concat([Buffer.from(`${piece.length.toString(16)}\r\n`), piece, Buffer.from('\r\n')]);
  for (const declared of [true, false]) {
    using client = await rawClient(started.url);
    const framing = declared ? `content-length: ${total * piece.length}` : 'transfer-encoding: chunked';
    client.send(`POST /generate HTTP/1.1\r\nhost: x\r\n${framing}\r\n\r\n`);
    const before = process.memoryUsage().arrayBuffers;
    let most = 0;
    for (let sent = 0; sent < total; sent++) {
      if (!client.socket.write(declared ? piece : chunk)) await once(client.socket, 'drain');
      most = Math.max(most, process.memoryUsage().arrayBuffers - before);
    }
    if (!declared) client.send('0\r\n\r\n');
    assert.match(await client.closed(), /^HTTP\/1\.1 413 [\s\S]*connection: close[\s\S]*--max-payload-size/);
    // Less than half of it, garbage not collected yet included.
    assert.ok(most < 150 * 2 ** 20, `${most} bytes`);
  }
  assert.deepEqual(worker.seen, []);
});
