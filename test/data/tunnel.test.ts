import assert from 'node:assert/strict';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import type { IncomingMessage } from 'node:http';
import { createServer } from 'node:https';
import type { AddressInfo, Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import { test } from 'node:test';
import { type FakeWorker, fakeWorker } from '../helpers/fake-worker.ts';
import { pairRouter } from '../helpers/pair-router.ts';
import { rawClient, sendRaw } from '../helpers/raw-client.ts';
import { type TestRouter, testRouter, until } from '../helpers/test-router.ts';
import { tlsFile } from '../helpers/tls.ts';
import { echoFrames } from '../helpers/web-socket-worker.ts';

const SWITCH = 'HTTP/1.1 101 Switching Protocols\r\nconnection: upgrade\r\nupgrade: raw\r\n\r\n';
const ASK = 'GET /v1/realtime?model=m HTTP/1.1\r\nhost: x\r\nconnection: Upgrade\r\nupgrade: raw\r\n\r\n';

type OnUpgrade = (request: IncomingMessage, socket: Socket, head: Buffer) => void;

/** A worker that is asked to leave HTTP. */
async function switchingWorker(onUpgrade: OnUpgrade): Promise<FakeWorker> {
  const worker = await fakeWorker((_, response) => response.writeHead(426).end('no upgrade'));
  const sockets = new Set<Duplex>();
  worker.server.on('upgrade', (request: IncomingMessage, socket: Duplex, head: Buffer) => {
    sockets.add(socket.on('error', () => {}));
    onUpgrade(request, socket as Socket, head);
  });
  const close = async () => {
    await worker.close();
    for (const socket of sockets) socket.destroy();
  };
  return { ...worker, close, [Symbol.asyncDispose]: close };
}

/** A worker that switches and sends back what it gets. */
const echoing = () =>
  switchingWorker((_, socket) => {
    socket.write(SWITCH);
    socket.pipe(socket);
  });

const load = ({ router }: TestRouter) => router.registry.workers.reduce((sum, { load }) => sum + load, 0);
const wsUrl = (router: TestRouter) => `${router.url.replace('http', 'ws')}/v1/realtime?model=m`;

test('a WebSocket goes to one worker, with key and id, and is its load until it closes', async () => {
  const asked: IncomingMessage[] = [];
  await using worker = await switchingWorker((request, socket) => {
    asked.push(request);
    echoFrames(request, socket);
  });
  await using router = await testRouter([worker.url], ['--api-key', 'secret']);
  const headers = { authorization: 'Bearer secret', 'x-request-id': 'one' };
  // Node's own takes headers as an extension of undici's.
  const socket = new WebSocket(wsUrl(router), { headers } as never);
  await once(socket, 'open');
  assert.equal(load(router), 1);
  assert.equal(router.router.admission.inFlight, 1);
  const sizes = [1, 200, 70_000, 3_000_000];
  for (const size of sizes) {
    socket.send('x'.repeat(size));
    const [{ data }] = await once(socket, 'message');
    assert.equal(data.length, size);
  }
  socket.close(4000, 'enough');
  const [close] = await once(socket, 'close');
  assert.deepEqual([close.wasClean, close.code], [true, 4000]);
  await until(() => router.records.length > 0);
  assert.equal(load(router), 0);
  assert.equal(router.router.admission.inFlight, 0);
  assert.equal(asked.length, 1);
  assert.equal(asked[0]?.headers['x-request-id'], 'one');
  assert.equal(asked[0]?.url, '/v1/realtime?model=m');
  const [record] = router.records;
  assert.partialDeepStrictEqual(record, { status: 101, clientLeft: false, worker: worker.url, errorCode: undefined });
  const all = sizes.reduce((sum, size) => sum + size);
  assert.ok((record?.requestBytes ?? 0) > all && (record?.answerBytes ?? 0) > all, JSON.stringify(record));
});

test('without the key no tunnel is opened', async () => {
  await using worker = await echoing();
  await using router = await testRouter([worker.url], ['--api-key', 'secret']);
  assert.match(await sendRaw(router.url, ASK), /^HTTP\/1\.1 401 /);
  assert.deepEqual(worker.seen, []);
});

test('an answer without a switch is relayed, and nothing more is read from the client', async () => {
  await using worker = await fakeWorker((_, response) => response.writeHead(403, { 'x-why': 'no' }).end('never'));
  await using router = await testRouter([worker.url]);
  const answer = await sendRaw(router.url, ASK, 'GET /smuggled HTTP/1.1\r\nhost: x\r\n\r\n');
  assert.match(
    answer,
    /^HTTP\/1\.1 403 Forbidden\r\n[\s\S]*x-why: no\r\n[\s\S]*connection: close\r\n\r\n5\r\nnever\r\n0\r\n\r\n$/,
  );
  assert.deepEqual(worker.seen, ['GET /v1/realtime?model=m']);
  await until(() => load(router) === 0);
});

test('what the client sends before the switch goes through the tunnel, and only then', async () => {
  const switches = Promise.withResolvers<Socket>();
  let early = '';
  await using worker = await switchingWorker((_, socket, head) => {
    early += head.toString();
    switches.resolve(socket);
  });
  await using router = await testRouter([worker.url]);
  using client = await rawClient(router.url);
  client.send(ASK, '\0early');
  const socket = await switches.promise;
  assert.equal(early, '');
  const got = once(socket, 'data');
  socket.write(`${SWITCH}first`);
  assert.equal(String(await got), '\0early');
  assert.match(await client.until(/first/), /^HTTP\/1\.1 101 [\s\S]*\r\nupgrade: raw\r\n\r\nfirst$/);
});

test('a client that sends no more still gets what the worker has to say', async () => {
  await using worker = await switchingWorker((_, socket) => {
    socket.write(SWITCH);
    let got = '';
    socket.on('data', (chunk) => {
      got += chunk;
    });
    socket.on('end', () => socket.end(`heard ${got}`));
  });
  await using router = await testRouter([worker.url]);
  using client = await rawClient(router.url);
  client.send(ASK);
  await client.until(/\r\n\r\n/);
  client.socket.end('all of it');
  assert.match(await client.closed(), /\r\n\r\nheard all of it$/);
  await until(() => router.records.length > 0);
  assert.equal(router.records[0]?.clientLeft, false);
});

test("the worker's end is the end of the tunnel", async () => {
  await using worker = await switchingWorker((_, socket) => void socket.end(`${SWITCH}bye`));
  await using router = await testRouter([worker.url]);
  using client = await rawClient(router.url);
  client.send(ASK);
  assert.match(await client.closed(), /\r\n\r\nbye$/);
  await until(() => load(router) === 0 && router.records.length === 1);
});

test('a client that breaks off ends the tunnel at the worker', async () => {
  const open = Promise.withResolvers<Socket>();
  await using worker = await switchingWorker((_, socket) => {
    socket.write(SWITCH);
    open.resolve(socket);
  });
  await using router = await testRouter([worker.url]);
  using client = await rawClient(router.url);
  client.send(ASK);
  const socket = await open.promise;
  await client.until(/\r\n\r\n/);
  const ended = once(socket, 'end');
  socket.resume();
  client.socket.resetAndDestroy();
  await ended;
  await until(() => router.records.length > 0);
  assert.equal(load(router), 0);
  assert.equal(router.records[0]?.clientLeft, true);
});

test('a worker that breaks off ends the tunnel at the client, and its circuit breaker hears of the switch alone', async () => {
  await using worker = await switchingWorker((_, socket) => {
    socket.write(SWITCH);
    socket.once('data', () => socket.resetAndDestroy());
  });
  await using router = await testRouter([worker.url], ['--cb-failure-threshold', '1', '--disable-health-check']);
  using client = await rawClient(router.url);
  client.send(ASK);
  await client.until(/\r\n\r\n/);
  const reset = once(client.socket, 'error');
  client.send('die');
  assert.equal((await reset)[0].code, 'ECONNRESET');
  await until(() => router.records.length > 0);
  assert.equal(router.records[0]?.errorCode, 'worker_connection_failed');
  assert.equal(router.router.registry.workers[0]?.available, true);
});

test('neither side is read faster than the other reads', async () => {
  const MOST = 64 * 1024 * 1024;
  const open = Promise.withResolvers<Socket>();
  await using worker = await switchingWorker((_, socket) => {
    socket.write(SWITCH);
    socket.pause();
    open.resolve(socket);
  });
  await using router = await testRouter([worker.url]);
  using client = await rawClient(router.url);
  client.send(ASK);
  await client.until(/\r\n\r\n/);
  const far = await open.promise;
  const piece = Buffer.alloc(256 * 1024, 'x');
  for (const [from, to] of [
    [client.socket, far],
    [far, client.socket],
  ] as const) {
    to.removeAllListeners('data').pause();
    let sent = 0;
    while (sent < MOST && from.writableLength === 0) {
      sent += piece.length;
      // Resolves when the system has taken it, or shows that it does not any more.
      await new Promise((resolve) => {
        from.write(piece, resolve);
        setTimeout(resolve, 500);
      });
    }
    assert.ok(from.writableLength > 0, `all of ${sent} bytes were taken`);
    let got = 0;
    to.on('data', (chunk: Buffer) => {
      got += chunk.length;
    }).resume();
    await until(() => got === sent);
  }
});

test('a worker that never answers is given up after the time to the first byte, and nothing counts when it does', async () => {
  await using silent = await switchingWorker(() => {});
  await using router = await testRouter([silent.url], ['--disable-retries'], { firstByteTimeoutMs: 50 });
  assert.match(await sendRaw(router.url, ASK), /^HTTP\/1\.1 504 /);
  assert.equal(load(router), 0);
});

test('a tunnel outlives the time for a request, and ends when nothing goes through it', async () => {
  await using worker = await echoing();
  await using router = await testRouter([worker.url], [], { requestTimeoutMs: 200, streamIdleTimeoutMs: 400 });
  using client = await rawClient(router.url);
  client.send(ASK);
  await client.until(/\r\n\r\n$/);
  const startedMs = performance.now();
  for (let i = 0; performance.now() - startedMs < 600; i++) {
    client.send(`<${i}>`);
    await client.until(new RegExp(`<${i}>`));
  }
  await client.closed();
  await until(() => router.records.length > 0);
  assert.equal(router.records[0]?.errorCode, 'worker_timeout');
  assert.equal(router.router.registry.workers[0]?.available, true);
});

test('a drain waits for tunnels, and cuts them when the grace period is over', async () => {
  await using worker = await echoing();
  await using router = await testRouter([worker.url]);
  using client = await rawClient(router.url);
  client.send(ASK);
  await client.until(/\r\n\r\n/);
  client.socket.on('error', () => {});
  const drained = router.router.drain(200);
  client.send('still here');
  await client.until(/still here/);
  assert.equal(await drained, 1);
  await client.closed();
});

test('a worker that is taken out takes its tunnels along', async () => {
  await using worker = await echoing();
  await using router = await testRouter([worker.url]);
  using client = await rawClient(router.url);
  client.send(ASK);
  await client.until(/\r\n\r\n/);
  assert.equal(await router.router.registry.remove(worker.url, 0), true);
  await client.closed();
  await until(() => router.records.length > 0);
});

test('a refused switch is tried elsewhere as any answer is', async () => {
  await using full = await fakeWorker((_, response) => response.writeHead(503).end());
  await using worker = await echoing();
  await using router = await testRouter([full.url, worker.url], [], { retryInitialBackoffMs: 1 });
  for (let i = 0; i < 2; i++) {
    using client = await rawClient(router.url);
    client.send(ASK);
    await client.until(/^HTTP\/1\.1 101 /);
  }
});

test('what is no upgrade for a worker is an ordinary request', async () => {
  await using worker = await fakeWorker(({ headers, method }, response, body) =>
    response.end(`${method} ${headers.connection} ${headers.upgrade} ${body}`),
  );
  worker.server.on('upgrade', (_, socket: Socket) => socket.destroy());
  await using router = await testRouter([worker.url]);
  const last = 'GET /last HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n';
  for (const [request, seen] of [
    [
      'GET /x HTTP/1.1\r\nhost: x\r\nconnection: upgrade, http2-settings\r\nupgrade: h2c\r\nhttp2-settings: AA\r\n\r\n',
      'GET',
    ],
    ['GET /x HTTP/1.1\r\nhost: x\r\nconnection: upgrade\r\nupgrade: websocket, h2c\r\n\r\n', 'GET'],
    ['GET /x HTTP/1.1\r\nhost: x\r\nupgrade: websocket\r\n\r\n', 'GET'],
    ['GET /x HTTP/1.1\r\nhost: x\r\nconnection: upgrade\r\nupgrade: websocket\r\ncontent-length: 2\r\n\r\nhi', 'GET'],
    ['POST /x HTTP/1.1\r\nhost: x\r\nconnection: upgrade\r\nupgrade: websocket\r\ncontent-length: 2\r\n\r\nhi', 'POST'],
    ['POST /x HTTP/1.1\r\nhost: x\r\nconnection: upgrade\r\nupgrade: websocket\r\ncontent-length: 0\r\n\r\n', 'POST'],
  ] as const) {
    const answers = await sendRaw(router.url, request, last);
    assert.match(
      answers,
      new RegExp(`^HTTP/1.1 200 .*${seen} keep-alive undefined .*GET keep-alive undefined`, 's'),
      request,
    );
  }
});

test('of prefill and decode servers a decode server gets the tunnel, whatever its path', async () => {
  await using prefill = await switchingWorker((_, socket) => void socket.destroy());
  await using decode = await echoing();
  await using router = await pairRouter([prefill], [decode]);
  for (const path of ['/v1/realtime', '/generate']) {
    using client = await rawClient(router.url);
    client.send(ASK.replace('/v1/realtime', path), 'hello');
    await client.until(/^HTTP\/1\.1 101 .*\r\n\r\nhello$/s);
  }
});

test('a tunnel to a worker over TLS', async (t) => {
  const pair = { cert: readFileSync(tlsFile('server.pem')), key: readFileSync(tlsFile('server.key')) };
  const server = createServer(pair, (_, response) => response.end());
  const sockets = new Set<Duplex>();
  server.on('upgrade', (request, socket) => {
    sockets.add(socket);
    echoFrames(request, socket);
  });
  t.after(() => {
    server.close().closeAllConnections();
    for (const socket of sockets) socket.destroy();
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const url = `https://127.0.0.1:${(server.address() as AddressInfo).port}`;
  await using router = await testRouter([url], ['--ca-cert-paths', tlsFile('ca.pem')]);
  const socket = new WebSocket(wsUrl(router));
  await once(socket, 'open');
  assert.equal(load(router), 1);
  socket.send('x'.repeat(1_000_000));
  const [{ data }] = await once(socket, 'message');
  assert.equal(data.length, 1_000_000);
  socket.close();
  const [close] = await once(socket, 'close');
  assert.equal(close.wasClean, true);
  await until(() => router.records.length === 1 && load(router) === 0);
  // An ordinary answer, and a worker that is taken out.
  const another = new WebSocket(wsUrl(router));
  await once(another, 'open');
  const closed = once(another, 'close');
  await router.router.registry.remove(url, 0);
  await closed;
});
