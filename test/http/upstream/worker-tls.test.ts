import assert from 'node:assert/strict';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { createServer as createPlainServer } from 'node:http';
import { createServer, type ServerOptions } from 'node:https';
import type { AddressInfo, Server } from 'node:net';
import { type TestContext, test } from 'node:test';
import { createClient } from '../../../src/http/upstream/create-client.ts';
import { get } from '../../../src/http/upstream/get.ts';
import { readWorkerTls, type WorkerTls, type WorkerTlsPaths } from '../../../src/http/upstream/worker-tls.ts';
import { tlsFile } from '../../helpers/tls.ts';

const NONE: WorkerTlsPaths = { clientCertPath: undefined, clientKeyPath: undefined, caCertPaths: [] };
const CLIENT = { clientCertPath: tlsFile('client.pem'), clientKeyPath: tlsFile('client.key') };
const trusting = (...names: string[]) => ({ ...NONE, caCertPaths: names.map(tlsFile) });

async function start(t: TestContext, server: Server): Promise<number> {
  server.listen(0);
  t.after(() => server.close());
  await once(server, 'listening');
  return (server.address() as AddressInfo).port;
}

/** A worker with the test certificate. */
function worker(t: TestContext, options: ServerOptions = {}): Promise<number> {
  const pair = { cert: readFileSync(tlsFile('server.pem')), key: readFileSync(tlsFile('server.key')) };
  return start(
    t,
    createServer({ ...pair, ...options }, (_, response) => response.setHeader('connection', 'close').end('fine')),
  );
}

async function ask(t: TestContext, url: string, tls: WorkerTls): Promise<string> {
  const client = createClient(url, tls);
  t.after(() => client.destroy());
  const { body } = await get(client, '/', { headers: {}, timeoutMs: 5_000, maxBytes: 100 });
  return body.toString();
}

test('a worker whose authority is given, by name and by address; the others are kept', async (t) => {
  const port = await worker(t);
  const tls = readWorkerTls(trusting('other-ca.pem', 'ca.pem'));
  assert.equal(await ask(t, `https://127.0.0.1:${port}`, tls), 'fine');
  assert.equal(await ask(t, `https://localhost:${port}`, tls), 'fine');
  assert.ok((tls.ca?.length ?? 0) > 2);
});

test('a worker whose authority is not known', async (t) => {
  const port = await worker(t);
  const problem = /^the certificate of 127\.0\.0\.1:\d+ is not signed by an authority known here; .*--ca-cert-paths/;
  await assert.rejects(ask(t, `https://127.0.0.1:${port}`, readWorkerTls(NONE)), { message: problem });
  await assert.rejects(ask(t, `https://127.0.0.1:${port}`, readWorkerTls(trusting('other-ca.pem'))), {
    message: problem,
  });
});

test('a certificate for another host', async (t) => {
  const port = await worker(t);
  await assert.rejects(ask(t, `https://127.0.0.2:${port}`, readWorkerTls(trusting('ca.pem'))), {
    message: /^the certificate of 127\.0\.0\.2:\d+ is for another host name/,
  });
});

test('a worker that asks for a certificate', async (t) => {
  const port = await worker(t, { requestCert: true, ca: readFileSync(tlsFile('ca.pem')) });
  const paths = trusting('ca.pem');
  assert.equal(await ask(t, `https://127.0.0.1:${port}`, readWorkerTls({ ...paths, ...CLIENT })), 'fine');
  await assert.rejects(ask(t, `https://127.0.0.1:${port}`, readWorkerTls(paths)), /closed|certificate/);
});

test('a worker that speaks plain HTTP', async (t) => {
  const port = await start(
    t,
    createPlainServer((_, response) => response.end()),
  );
  await assert.rejects(ask(t, `https://127.0.0.1:${port}`, {}), {
    message: `127.0.0.1:${port} does not speak TLS: is it http://127.0.0.1:${port}?`,
  });
});

test('servers that this program started are believed', async (t) => {
  assert.equal(await ask(t, `https://127.0.0.1:${await worker(t)}`, { rejectUnauthorized: false }), 'fine');
});
