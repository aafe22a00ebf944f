import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer } from 'node:net';
import { test } from 'node:test';
import { nobodyListens } from '../../src/http/upstream/nobody-listens.ts';
import { failed, failureOf, isFinal, mayHaveDied } from '../../src/link/failure.ts';
import { answering, fakeWorker } from '../helpers/fake-worker.ts';
import { testRouter, until } from '../helpers/test-router.ts';

interface ErrorBody {
  readonly error: { readonly type: string; readonly code: string; readonly message: string };
}

const post = (url: string) => fetch(`${url}/generate`, { method: 'POST', body: '{}' });

test('a worker that cannot be reached is left out, another answers, and it serves again when it is back', async () => {
  const dying = await fakeWorker(answering('dying'));
  await using other = await fakeWorker(answering('other'));
  await using router = await testRouter([dying.url, other.url]);
  await dying.close();
  for (let i = 0; i < 4; i++) assert.equal(await (await post(router.url)).text(), 'other');
  assert.deepEqual(
    router.router.registry.available().map(({ url }) => url),
    [other.url],
  );
  await using _back = await fakeWorker(answering('back'), dying.port);
  await until(() => router.router.registry.available().length === 2);
  const answers = await Promise.all([post(router.url), post(router.url)].map(async (answer) => (await answer).text()));
  assert.deepEqual(answers.sort(), ['back', 'other']);
});

test('no worker left for longer than --queue-timeout-secs: 503 in the error shape, with Retry-After', async () => {
  const dying = await fakeWorker(answering('dying'));
  await using router = await testRouter([dying.url], [], { queueTimeoutMs: 50 });
  await dying.close();
  for (let i = 0; i < 2; i++) {
    const answer = await post(router.url);
    assert.equal(answer.status, 503);
    assert.ok(Number(answer.headers.get('retry-after')) > 0);
    assert.equal(answer.headers.get('x-smg-error-code'), 'no_available_workers');
    const { error } = (await answer.json()) as ErrorBody;
    assert.deepEqual([error.type, error.code], ['Service Unavailable', 'no_available_workers']);
  }
});

test('a worker that drops the connection before it answers: 502 that names it', async () => {
  await using worker = await fakeWorker((request) => void request.socket.destroy());
  for (const [flags, code] of [
    [['--disable-retries'], 'worker_connection_failed'],
    [[], 'worker_died'],
  ] as const) {
    await using router = await testRouter([worker.url], flags);
    const answer = await post(router.url);
    const { error } = (await answer.json()) as ErrorBody;
    assert.deepEqual([answer.status, error.code], [502, code]);
    assert.ok(error.message.includes(worker.url));
  }
});

test('a worker that does not speak HTTP: 502', async () => {
  await using worker = await fakeWorker((request) => void request.socket.end('SSH-2.0-OpenSSH_9\r\n'));
  await using router = await testRouter([worker.url]);
  const answer = await post(router.url);
  assert.equal(answer.status, 502);
  assert.equal(((await answer.json()) as ErrorBody).error.code, 'worker_bad_response');
});

test('an answer that breaks off never looks finished', async () => {
  await using worker = await fakeWorker((request, response) => {
    response.write('data: 1\n\n', () => request.socket.destroy());
  });
  await using router = await testRouter([worker.url]);
  const answer = await post(router.url);
  assert.equal(answer.status, 200);
  await assert.rejects(answer.text());
});

test('an answer shorter than its declared length never looks finished', async () => {
  await using worker = await fakeWorker((request, response) => {
    response.writeHead(200, { 'content-length': '100' });
    response.write('only this', () => request.socket.destroy());
  });
  await using router = await testRouter([worker.url]);
  await assert.rejects(post(router.url).then((answer) => answer.text()));
});

test('a request that takes longer than --request-timeout-secs: 504, and the worker is let go', async () => {
  const { promise: let_go, resolve } = Promise.withResolvers<void>();
  await using worker = await fakeWorker((_, response) => void response.once('close', resolve));
  await using router = await testRouter([worker.url], [], { requestTimeoutMs: 500 });
  const answer = await post(router.url);
  assert.equal(answer.status, 504);
  assert.equal(((await answer.json()) as ErrorBody).error.code, 'worker_timeout');
  await let_go;
});

test('an answer that takes longer than --request-timeout-secs is cut, not finished', async () => {
  await using worker = await fakeWorker((_, response) => void response.write('data: 1\n\n'));
  await using router = await testRouter([worker.url], [], { requestTimeoutMs: 1_000 });
  await assert.rejects(post(router.url).then((answer) => answer.text()));
  await until(() => router.router.registry.workers[0]?.load === 0);
});

test("the worker's own errors are passed on as they are", async () => {
  await using worker = await fakeWorker((_, response) =>
    response.writeHead(422, { 'x-reason': 'mine' }).end('{"error":"mine"}'),
  );
  await using router = await testRouter([worker.url]);
  const answer = await post(router.url);
  assert.deepEqual([answer.status, answer.headers.get('x-reason')], [422, 'mine']);
  assert.equal(await answer.text(), '{"error":"mine"}');
});

test('a port on which nobody ever accepts does not keep the others waiting', async () => {
  const silent = createServer(() => {}).listen(0, '127.0.0.1');
  await once(silent, 'listening');
  const { port } = silent.address() as import('node:net').AddressInfo;
  await using good = await fakeWorker(answering('good'));
  await using router = await testRouter([good.url]);
  router.router.registry.add({ url: `http://127.0.0.1:${port}` });
  for (let i = 0; i < 4; i++) assert.equal(await (await post(router.url)).text(), 'good');
  silent.close();
  await router.router.close();
});

const error = (code: string, syscall?: string) => Object.assign(new Error(code), { code, syscall });

test('whom an error is to blame on, and what the client is told', () => {
  const refused = failed(error('ECONNREFUSED', 'connect'), false, false);
  assert.deepEqual([refused.blameless, mayHaveDied(refused), isFinal(refused)], [false, false, false]);
  const reset = failed(error('ECONNRESET', 'read'), false, true);
  assert.deepEqual([reset.blameless, mayHaveDied(reset), isFinal(reset)], [false, true, false]);
  for (const code of ['EMFILE', 'UND_ERR_DESTROYED', 'UND_ERR_INVALID_ARG']) {
    const outcome = failed(error(code), false, true);
    assert.deepEqual([outcome.blameless, mayHaveDied(outcome)], [true, false], code);
  }
  const invalid = failed(error('UND_ERR_INVALID_ARG'), false, false);
  assert.deepEqual([isFinal(invalid), failureOf(invalid, undefined).status], [true, 400]);
  assert.match(failureOf(failed(error('EMFILE'), false, false), undefined).message, /ulimit -n/);
});

test('only a refused connection says that nobody listens, on every address of a name', () => {
  const refused = error('ECONNREFUSED', 'connect');
  assert.ok(nobodyListens(refused));
  assert.ok(nobodyListens(error('ECONNRESET', 'connect')));
  const others = [
    error('ECONNRESET', 'read'),
    error('ETIMEDOUT', 'connect'),
    error('EHOSTUNREACH', 'connect'),
    error('ENETUNREACH', 'connect'),
    error('ENOTFOUND', 'getaddrinfo'),
    error('EAI_AGAIN', 'getaddrinfo'),
    error('UND_ERR_CONNECT_TIMEOUT'),
  ];
  for (const other of others) assert.equal(nobodyListens(other), false, other.message);
  const both = (...errors: Error[]) => Object.assign(new AggregateError(errors), { code: 'ECONNREFUSED' });
  assert.ok(nobodyListens(both(refused, refused)));
  assert.equal(nobodyListens(both(refused, others[1] as Error)), false);
});
