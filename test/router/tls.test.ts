import assert from 'node:assert/strict';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import type { IncomingMessage } from 'node:http';
import { createServer, request } from 'node:https';
import type { AddressInfo } from 'node:net';
import { type TestContext, test } from 'node:test';
import { fakeWorker } from '../helpers/fake-worker.ts';
import { testRouter, until } from '../helpers/test-router.ts';
import { tlsFile } from '../helpers/tls.ts';

const ca = readFileSync(tlsFile('ca.pem'));
const SERVING = ['--tls-cert-path', tlsFile('server.pem'), '--tls-key-path', tlsFile('server.key')];
const CLIENT = ['--client-cert-path', tlsFile('client.pem'), '--client-key-path', tlsFile('client.key')];

/** A worker that speaks HTTPS, answers its name, and takes only clients of the test authority. */
async function tlsWorker(t: TestContext): Promise<string> {
  const pair = { cert: readFileSync(tlsFile('server.pem')), key: readFileSync(tlsFile('server.key')) };
  const server = createServer({ ...pair, ca, requestCert: true }, (_, response) => response.end('over TLS'));
  t.after(() => server.close().closeAllConnections());
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return `https://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

/** POSTs to a router that serves HTTPS. */
function post(url: string): Promise<IncomingMessage> {
  return new Promise((resolve, reject) => {
    request(url, { method: 'POST', ca, agent: false }, resolve).on('error', reject).end('{"stream":true}');
  });
}

test('clients are served over HTTPS, a stream as it comes', async () => {
  const more = Promise.withResolvers<void>();
  await using worker = await fakeWorker(async (_, response) => {
    response.writeHead(200, { 'content-type': 'text/event-stream' });
    response.write('data: 1\n\n');
    await more.promise;
    response.end('data: [DONE]\n\n');
  });
  await using router = await testRouter([worker.url], SERVING);
  assert.match(router.url, /^https:/);
  const answer = await post(`${router.url}/generate`);
  const chunks: string[] = [];
  answer.setEncoding('utf8').on('data', (chunk) => chunks.push(chunk));
  await until(() => chunks.length > 0);
  assert.deepEqual(chunks, ['data: 1\n\n']);
  more.resolve();
  await once(answer, 'end');
  assert.equal(chunks.join(''), 'data: 1\n\ndata: [DONE]\n\n');
});

test('(18) a client that leaves over HTTPS is seen at once', async () => {
  const left = Promise.withResolvers<void>();
  await using worker = await fakeWorker((incoming) => void incoming.socket.once('close', () => left.resolve()));
  await using router = await testRouter([worker.url], SERVING);
  const call = request(`${router.url}/generate`, { method: 'POST', ca, agent: false }).on('error', () => {});
  call.end('{}');
  await until(() => worker.seen.length > 0);
  call.destroy();
  await left.promise;
});

test('workers over HTTPS, with an authority and a client certificate of their own', async (t) => {
  await using router = await testRouter([await tlsWorker(t)], ['--ca-cert-paths', tlsFile('ca.pem'), ...CLIENT]);
  const answer = await fetch(`${router.url}/generate`, { method: 'POST', body: '{}' });
  assert.equal(await answer.text(), 'over TLS');
});

test('(32) a connection over HTTPS that its worker closes while idle: sent again, and nobody notices', async (t) => {
  let open = 0;
  const pair = { cert: readFileSync(tlsFile('server.pem')), key: readFileSync(tlsFile('server.key')) };
  const server = createServer(pair, ({ socket, url }, response) => {
    if (url !== '/generate') return void response.end();
    // The second request on a connection meets its end.
    if (served.has(socket)) return void socket.destroy();
    served.add(socket);
    open++;
    response.end('fine');
  });
  const served = new WeakSet<object>();
  t.after(() => server.close().closeAllConnections());
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const url = `https://127.0.0.1:${(server.address() as AddressInfo).port}`;
  await using router = await testRouter([url], ['--ca-cert-paths', tlsFile('ca.pem'), '--disable-retries']);
  for (let count = 0; count < 4; count++) {
    assert.equal(await (await fetch(`${router.url}/generate`, { method: 'POST', body: '{}' })).text(), 'fine');
  }
  assert.equal(open, 4);
  assert.equal(router.router.registry.workers[0]?.problem, undefined);
});

test('a worker whose certificate is not accepted stays out; /readiness and the log say why', async (t) => {
  const url = await tlsWorker(t);
  await using router = await testRouter([], ['--ca-cert-paths', tlsFile('other-ca.pem')]);
  const worker = router.router.registry.add({ url });
  await until(() => worker.problem !== undefined && /certificate/.test(worker.problem));
  const readiness = await fetch(`${router.url}/readiness`);
  assert.equal(readiness.status, 503);
  assert.match(await readiness.text(), /not signed by an authority known here; .*--ca-cert-paths/);
});
