import assert from 'node:assert/strict';
import { once } from 'node:events';
import { request as httpRequest, type ServerResponse } from 'node:http';
import { connect } from 'node:net';
import { test } from 'node:test';
import { fakeWorker } from '../helpers/fake-worker.ts';
import { testRouter, until } from '../helpers/test-router.ts';

/** A POST that the test ends by destroying its connection. */
function post(url: string) {
  const request = httpRequest(`${url}/generate`, { method: 'POST', agent: false });
  request.on('error', () => {});
  return request;
}

const load = (router: { router: import('../../src/router/router.ts').Router }) =>
  router.router.registry.workers[0]?.load;

test('a client that leaves during prefill closes the call to the worker', async () => {
  const { promise: asked, resolve } = Promise.withResolvers<ServerResponse>();
  await using worker = await fakeWorker((_, response) => resolve(response));
  await using router = await testRouter([worker.url]);
  const request = post(router.url);
  request.end('{}');
  const upstream = await asked;
  assert.equal(load(router), 1);
  const closed = once(upstream, 'close');
  request.destroy();
  await closed;
  await until(() => load(router) === 0);
});

test('a client that leaves in the middle of a stream closes the call to the worker', async () => {
  const { promise: asked, resolve } = Promise.withResolvers<ServerResponse>();
  await using worker = await fakeWorker((_, response) => {
    response.write('data: 1\n\n');
    resolve(response);
  });
  await using router = await testRouter([worker.url]);
  const request = post(router.url);
  request.end('{}');
  const [response] = await once(request, 'response');
  await once(response, 'data');
  const closed = once(await asked, 'close');
  request.destroy();
  await closed;
  await until(() => load(router) === 0);
});

test('a client that leaves before its body is complete is never sent on', async () => {
  await using worker = await fakeWorker((_, response) => response.end());
  await using router = await testRouter([worker.url]);
  const { port, hostname } = new URL(router.url);
  const socket = connect(Number(port), hostname);
  socket.write('POST /generate HTTP/1.1\r\nhost: x\r\ncontent-length: 10\r\n\r\nhalf');
  await once(socket, 'connect');
  socket.destroy();
  await until(() => router.records.some(({ clientLeft }) => clientLeft));
  assert.deepEqual(worker.seen, []);
  assert.equal(load(router), 0);
});

test('a client that leaves while it queues frees its place', async () => {
  const waiting: ServerResponse[] = [];
  await using worker = await fakeWorker((_, response) => void waiting.push(response));
  await using router = await testRouter([worker.url], ['--max-concurrent-requests', '1', '--queue-size', '1']);
  const first = post(router.url);
  first.end('{}');
  await until(() => waiting.length === 1);
  const queued = post(router.url);
  queued.end('{}');
  await until(() => router.router.admission.queued === 1);
  queued.destroy();
  await until(() => router.router.admission.queued === 0);
  const third = post(router.url);
  third.end('{}');
  await until(() => router.router.admission.queued === 1);
  waiting[0]?.end('done');
  await until(() => waiting.length === 2);
  waiting[1]?.end('done');
  await until(() => router.router.admission.inFlight === 0);
  assert.equal(worker.seen.length, 2);
});

test('a client that leaves while its worker cannot be reached is settled at once', async () => {
  await using worker = await fakeWorker((_, response) => response.end());
  await using router = await testRouter([worker.url], [], { maxConcurrentRequests: 1 });
  const stuck = router.router.registry.workers[0]!;
  // Takes the call and never says a word, as a connection attempt into the void does.
  stuck.client.dispatch = () => true;
  const request = post(router.url);
  request.end('{}');
  await until(() => stuck.load === 1);
  request.destroy();
  await until(() => stuck.load === 0);
  assert.equal(router.router.admission.inFlight, 0);
});

test('the worker goes on being used after many clients have left', async () => {
  await using worker = await fakeWorker((request, response) => {
    if (request.headers['x-hold']) response.write('data: 1\n\n');
    else response.end('fine');
  });
  await using router = await testRouter([worker.url], ['--max-concurrent-requests', '50']);
  const clients = Array.from({ length: 50 }, () => {
    const request = httpRequest(`${router.url}/generate`, { method: 'POST', agent: false, headers: { 'x-hold': '1' } });
    request.on('error', () => {});
    request.end('{}');
    return request;
  });
  await Promise.all(clients.map((client) => once(client, 'response')));
  assert.equal(load(router), 50);
  for (const client of clients) client.destroy();
  await until(() => load(router) === 0 && router.router.admission.inFlight === 0);
  assert.equal(await (await fetch(`${router.url}/generate`, { method: 'POST', body: '{}' })).text(), 'fine');
});
