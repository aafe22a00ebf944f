import assert from 'node:assert/strict';
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { connect } from 'node:net';
import { homedir, tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import getPort from 'get-port';
import { type FakeWorker, fakeWorker } from '../helpers/fake-worker.ts';
import { type TestRouter, testRouter } from '../helpers/test-router.ts';

const CONFIG = join(import.meta.dirname, '../../docs/deploy/nginx.conf');
/** The system's, or that of scripts/install-peers. */
const NGINX = [
  '/usr/sbin/nginx',
  join(process.env.BENCH_PEERS_DIR ?? join(homedir(), '.cache/sglang-router-bench'), 'nginx/usr/sbin/nginx'),
].find((path) => existsSync(path) && spawnSync(path, ['-v']).status === 0);
const options = NGINX ? {} : { skip: 'no nginx: scripts/install-peers, or the package of the system, brings one' };

/** docs/deploy/nginx.conf before a router, on a free port. */
async function behindNginx({ url }: TestRouter) {
  const folder = await mkdtemp(join(tmpdir(), 'nginx-'));
  const port = await getPort({ host: '127.0.0.1' });
  const text = (await readFile(CONFIG, 'utf8'))
    .replace('server 127.0.0.1:30000;', `server ${new URL(url).host};`)
    .replace('listen 80;', `listen 127.0.0.1:${port};`);
  const paths = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi'].map(
    (name) => `${name}_temp_path ${folder}/${name};`,
  );
  const http = `access_log off; ${paths.join(' ')}\n${text}`;
  const file = join(folder, 'nginx.conf');
  const main = `daemon off; master_process off; pid ${folder}/pid; error_log stderr error;`;
  await writeFile(file, `${main}\nevents {}\nhttp {\n${http}}\n`);
  const child = spawn(NGINX ?? '', ['-p', folder, '-e', 'stderr', '-c', file], { stdio: ['ignore', 'ignore', 'pipe'] });
  let said = '';
  child.stderr.on('data', (chunk) => {
    said += chunk;
  });
  while (!(await fetch(`http://127.0.0.1:${port}/health`).catch(() => undefined))?.ok) {
    assert.equal(child.exitCode, null, said);
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
  return {
    port,
    url: `http://127.0.0.1:${port}`,
    async [Symbol.asyncDispose]() {
      child.kill();
      if (child.exitCode === null) await once(child, 'exit');
      await rm(folder, { recursive: true });
    },
  };
}

async function setUp(handler: Parameters<typeof fakeWorker>[0]) {
  const stack = new AsyncDisposableStack();
  const worker: FakeWorker = stack.use(await fakeWorker(handler));
  const router = stack.use(await testRouter([worker.url]));
  const nginx = stack.use(await behindNginx(router));
  return { worker, nginx, [Symbol.asyncDispose]: () => stack.disposeAsync() };
}

const EVENTS = 'text/event-stream';

for (const type of [EVENTS, 'application/octet-stream']) {
  test(`behind nginx the first bytes of an answer come before the rest is made: ${type}`, options, async () => {
    const { promise, resolve } = Promise.withResolvers<void>();
    await using place = await setUp(async (_request, response) => {
      response.writeHead(200, { 'content-type': type });
      response.write('data: {"n": 1}\n\n');
      await promise;
      response.end('data: [DONE]\n\n');
    });
    const body = JSON.stringify({ text: 'x', stream: type === EVENTS });
    const answer = await fetch(`${place.nginx.url}/generate`, { method: 'POST', body });
    const reader = answer.body!.getReader();
    const first = await reader.read();
    assert.equal(Buffer.from(first.value ?? []).toString(), 'data: {"n": 1}\n\n');
    resolve();
    let rest = '';
    for (let part = await reader.read(); !part.done; part = await reader.read()) rest += Buffer.from(part.value);
    assert.equal(rest, 'data: [DONE]\n\n');
  });
}

test(
  'behind nginx a body of 20 MB arrives whole, and the request has one id from the client to the answer',
  options,
  async () => {
    await using place = await setUp((request, response, body) => {
      response.end(JSON.stringify({ bytes: body.length, id: request.headers['x-request-id'] }));
    });
    const send = (headers: Record<string, string>) =>
      fetch(`${place.nginx.url}/v1/files`, { method: 'POST', headers, body: Buffer.alloc(20_000_000, 'x') });
    const own = await send({ 'x-request-id': 'mine-1' });
    assert.deepEqual(await own.json(), { bytes: 20_000_000, id: 'mine-1' });
    const other = await send({});
    const { id } = (await other.json()) as { id: string };
    assert.match(id, /^[0-9a-f]{32}$/);
    assert.equal(other.headers.get('x-request-id'), id);
  },
);

test('behind nginx a client that leaves ends the call of the worker', options, async () => {
  const left = Promise.withResolvers<void>();
  const begun = Promise.withResolvers<void>();
  await using place = await setUp((_request, response) => {
    response.on('close', () => left.resolve());
    response.writeHead(200, { 'content-type': EVENTS });
    response.write('data: {"n": 1}\n\n');
    begun.resolve();
  });
  const abort = new AbortController();
  const body = JSON.stringify({ text: 'x', stream: true });
  await fetch(`${place.nginx.url}/generate`, { method: 'POST', body, signal: abort.signal });
  await begun.promise;
  abort.abort();
  await left.promise;
});

test('behind nginx a WebSocket opens and carries bytes both ways', options, async () => {
  await using place = await setUp((_request, response) => response.end());
  place.worker.server.on('upgrade', (_request, socket) => {
    socket.write('HTTP/1.1 101 Switching Protocols\r\nconnection: upgrade\r\nupgrade: websocket\r\n\r\n');
    socket.on('data', (chunk) => socket.write(String(chunk).toUpperCase()));
    socket.on('end', () => socket.end());
  });
  const socket = connect(place.nginx.port, '127.0.0.1');
  const head = ['GET /v1/realtime HTTP/1.1', 'host: x', 'connection: upgrade', 'upgrade: websocket'];
  socket.write(`${[...head, 'sec-websocket-version: 13', 'sec-websocket-key: eA=='].join('\r\n')}\r\n\r\n`);
  let text = '';
  for await (const chunk of socket) {
    text += chunk;
    if (text.endsWith('\r\n\r\n')) socket.write('ping');
    if (text.endsWith('PING')) break;
  }
  assert.match(text, /^HTTP\/1\.1 101 .*\r\n\r\nPING$/s);
});
