import assert from 'node:assert/strict';
import { once } from 'node:events';
import { type AddressInfo, createServer, type Socket } from 'node:net';
import { type TestContext, test } from 'node:test';
import { WireClient, type WireOptions } from '../../../src/http/upstream/client.ts';
import type { CallHandler, Controller, WorkerRequest } from '../../../src/http/upstream/worker-client.ts';
import { ok, recordingWorker } from '../../helpers/recording-worker.ts';
import { until } from '../../helpers/test-router.ts';

const OPTIONS: WireOptions = { keepAliveMs: 4_000, connectTimeoutMs: 5_000 };
const GET: WorkerRequest = { path: '/x', method: 'GET', headers: [], body: null };

/** One exchange as it went. */
class Exchange implements CallHandler {
  controller: Controller | undefined;
  status = 0;
  body = '';
  error: (Error & { code?: string; reused?: boolean }) | undefined;
  ended = false;
  began = false;
  readonly over = Promise.withResolvers<Exchange>();

  onRequestStart(controller: Controller): void {
    this.controller = controller;
  }
  onResponseStarted(): void {
    this.began = true;
  }
  onResponseStart(_: Controller, status: number): void {
    this.status = status;
  }
  onResponseData(_: Controller, chunk: Buffer): void {
    this.body += chunk.toString('latin1');
  }
  onResponseEnd(): void {
    assert.ok(!this.ended && !this.error, 'an exchange ends once');
    this.ended = true;
    this.over.resolve(this);
  }
  onResponseError(_: Controller, error: Error): void {
    assert.ok(!this.ended && !this.error, 'an exchange ends once');
    this.error = error;
    this.over.resolve(this);
  }
}

function client(t: TestContext, origin: string, options: Partial<WireOptions> = {}) {
  const wire = new WireClient(origin, { ...OPTIONS, ...options });
  t.after(() => wire.destroy());
  const start = (request: Partial<WorkerRequest> = {}, exchange = new Exchange()) => {
    wire.dispatch({ ...GET, ...request }, exchange);
    return exchange;
  };
  return { wire, start, ask: (request?: Partial<WorkerRequest>) => start(request).over.promise };
}

/** A server on raw sockets; `serve` gets each connection. */
async function rawServer(t: TestContext, serve: (socket: Socket) => void): Promise<string> {
  const sockets = new Set<Socket>();
  const server = createServer((socket) => {
    sockets.add(socket);
    socket.on('error', () => {});
    serve(socket);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.after(() => {
    server.close();
    for (const socket of sockets) socket.destroy();
  });
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

/** Resolves when it is closed, by a reset too. */
const closeOf = (socket: Socket) => new Promise((resolve) => socket.once('close', resolve));

test('what is sent: request line, host, headers in order, and the body with its length', async (t) => {
  await using worker = await recordingWorker();
  const { ask } = client(t, worker.url);
  const body = Buffer.alloc(200_000, 'b');
  await ask({ method: 'POST', path: '/generate?a=1', headers: ['x-a', '1', 'x-b', 'ü'], body });
  await ask({ method: 'POST', headers: [], body: null });
  const [first, second] = worker.requests;
  assert.deepEqual(
    [first?.method, first?.target, first?.headers],
    [
      'POST',
      '/generate?a=1',
      [
        ['host', new URL(worker.url).host],
        ['connection', 'keep-alive'],
        ['x-a', '1'],
        ['x-b', 'ü'],
        ['content-length', '200000'],
      ],
    ],
  );
  assert.ok(first?.body.equals(body));
  assert.deepEqual(second?.headers.at(-1), ['content-length', '0']);
});

test('connections are kept: one after the other needs one, at once each its own', async (t) => {
  await using worker = await recordingWorker();
  const { wire, ask } = client(t, worker.url);
  assert.equal(wire.connections, 0);
  for (let i = 0; i < 5; i++) assert.equal((await ask()).body, '/x');
  assert.deepEqual([worker.connections, wire.connections], [1, 1]);
  await Promise.all([ask(), ask(), ask()]);
  assert.deepEqual([worker.connections, wire.connections], [3, 3]);
});

test('an idle connection is closed in time, and sooner where the worker would', async (t) => {
  await using worker = await recordingWorker((_, socket) => void socket.write(ok('hi', 'keep-alive: timeout=1')));
  const { ask } = client(t, worker.url, { keepAliveMs: 30 });
  await ask();
  await until(() => worker.sockets.size === 0);
  const patient = client(t, worker.url);
  await patient.ask();
  await patient.ask();
  assert.equal(worker.connections, 3, 'kept for a second less than the worker keeps it');
});

test('nothing that could end in another request is sent', async (t) => {
  await using worker = await recordingWorker();
  const { ask } = client(t, worker.url);
  const bad: Partial<WorkerRequest>[] = [
    { path: '/x HTTP/1.1\r\nx: y' },
    { path: '/a b' },
    { path: '/\u0100' },
    { method: 'GET /y' },
    { headers: ['x', 'a\r\nb: c'] },
    { headers: ['x', 'a\0'] },
    { headers: ['x', '\u0100'] },
    { headers: ['x: y\r\nz', 'a'] },
    { headers: ['', 'a'] },
  ];
  for (const request of bad) {
    const { error } = await ask(request);
    assert.equal(error?.code, 'UND_ERR_INVALID_ARG', JSON.stringify(request));
  }
  assert.deepEqual([worker.connections, worker.total], [0, 0]);
});

test('a server that refuses, one that cannot be reached in time, a client that was destroyed', async (t) => {
  const refused = await client(t, 'http://127.0.0.1:1').ask();
  assert.deepEqual([refused.error?.code, refused.controller], ['ECONNREFUSED', undefined]);
  // A test network (RFC 5737): nobody answers there, or the machine says so at once.
  const late = await client(t, 'http://192.0.2.1:9', { connectTimeoutMs: 20 }).ask();
  assert.match(late.error?.code ?? '', /^(UND_ERR_CONNECT_TIMEOUT|ENETUNREACH|EHOSTUNREACH|ECONNREFUSED|EACCES)$/);
  const { wire, ask } = client(t, 'http://127.0.0.1:1');
  await wire.destroy();
  assert.equal((await ask()).error?.code, 'UND_ERR_DESTROYED');
});

test('a connection that closes before an answer, in the middle of one, and after others: the error tells which', async (t) => {
  let answers = 1;
  const url = await rawServer(t, (socket) => {
    socket.on('data', () => {
      if (answers-- > 0) socket.write(ok('hi'));
      else socket.end();
    });
  });
  const { ask } = client(t, url);
  assert.equal((await ask()).body, 'hi');
  const stale = await ask();
  assert.deepEqual([stale.error?.code, stale.error?.reused, stale.began], ['UND_ERR_SOCKET', true, false]);
  const fresh = await ask();
  assert.deepEqual([fresh.error?.code, fresh.error?.reused], ['UND_ERR_SOCKET', false]);
  const half = await rawServer(t, (socket) =>
    socket.once('data', () => socket.end('HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\nhalf')),
  );
  const cut = await client(t, half).ask();
  assert.deepEqual([cut.body, cut.began, cut.error?.code], ['half', true, 'UND_ERR_SOCKET']);
});

test('a body that ends with the connection', async (t) => {
  const url = await rawServer(t, (socket) => socket.once('data', () => socket.end('HTTP/1.1 200 OK\r\n\r\nall of it')));
  const { body, ended } = await client(t, url).ask();
  assert.deepEqual([body, ended], ['all of it', true]);
});

test('what is no HTTP is an error that says so, and its connection is not used again', async (t) => {
  let connections = 0;
  const url = await rawServer(t, (socket) => {
    connections++;
    socket.on('data', () => socket.write('SSH-2.0-OpenSSH_9\r\n'));
  });
  const { ask } = client(t, url);
  for (let i = 0; i < 2; i++) assert.equal((await ask()).error?.name, 'HTTPParserError');
  assert.equal(connections, 2);
});

test('bytes that nobody asked for close an idle connection', async (t) => {
  let answered: Socket | undefined;
  let connections = 0;
  const url = await rawServer(t, (socket) => {
    connections++;
    answered = socket;
    socket.on('data', () => socket.write(ok('hi')));
  });
  const { ask } = client(t, url);
  await ask();
  const closed = closeOf(answered as Socket);
  answered?.write(ok('poison'));
  await closed;
  assert.equal((await ask()).body, 'hi');
  assert.equal(connections, 2);
});

test('abort: the error given comes back and the connection closes, in each phase', async (t) => {
  const phases = ['HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n', '1\r\na\r\n'];
  for (let sent = 0; sent <= phases.length; sent++) {
    let socket: Socket | undefined;
    const url = await rawServer(t, (one) => {
      socket = one;
      one.once('data', () => one.write(phases.slice(0, sent).join('')));
    });
    const exchange = client(t, url).start();
    await until(
      () => socket !== undefined && exchange.controller !== undefined && exchange.body.length === Math.max(0, sent - 1),
    );
    const closed = closeOf(socket as Socket);
    socket?.resume();
    const reason = new Error('enough');
    exchange.controller?.abort(reason);
    assert.equal((await exchange.over.promise).error, reason);
    await closed;
    exchange.controller?.abort(new Error('again'));
  }
});

test('abort at the start: nothing is sent', async (t) => {
  await using worker = await recordingWorker();
  const exchange = new Exchange();
  exchange.onRequestStart = (controller) => controller.abort(new Error('not wanted'));
  client(t, worker.url).start({}, exchange);
  assert.equal((await exchange.over.promise).error?.message, 'not wanted');
  await until(() => worker.sockets.size === 0);
  assert.equal(worker.total + worker.unread, 0);
});

test('pause holds data back and resume brings the rest, also of what was read already; the connection serves on', async (t) => {
  const chunks = Array.from({ length: 2_000 }, (_, i) => `${(1_000).toString(16)}\r\n${String(i).padStart(1_000)}\r\n`);
  const answer = `HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n${chunks.join('')}0\r\n\r\n`;
  await using worker = await recordingWorker((_, socket) => void socket.write(answer));
  const { start } = client(t, worker.url);
  for (let round = 0; round < 2; round++) {
    const exchange = new Exchange();
    let paused = false;
    exchange.onResponseData = (controller, chunk) => {
      assert.equal(paused, false, 'data while paused');
      exchange.body += chunk.toString('latin1');
      controller.pause();
      paused = true;
      setImmediate(() => {
        paused = false;
        controller.resume();
      });
    };
    await start({}, exchange).over.promise;
    assert.equal(exchange.error, undefined);
    assert.equal(exchange.body.length, 2_000 * 1_000);
  }
  assert.equal(worker.connections, 1);
});

test('paused over the last bytes of an answer: the next one on the connection comes all the same', async (t) => {
  await using worker = await recordingWorker((_, socket) => void socket.write(ok('hi')));
  const { start, ask } = client(t, worker.url);
  const exchange = new Exchange();
  exchange.onResponseData = (controller) => controller.pause();
  await start({}, exchange).over.promise;
  assert.equal((await ask()).body, 'hi');
  assert.equal(worker.connections, 1);
});

test('an answer that comes before the whole request is sent: the connection is closed, not used again', async (t) => {
  let connections = 0;
  const url = await rawServer(t, (socket) => {
    connections++;
    socket.once('data', () => {
      socket.pause();
      socket.write('HTTP/1.1 413 Content Too Large\r\ncontent-length: 0\r\n\r\n');
    });
  });
  const { ask } = client(t, url);
  const body = Buffer.alloc(64 * 1024 * 1024);
  assert.equal((await ask({ method: 'POST', body })).status, 413);
  assert.equal((await ask({ method: 'POST', body })).status, 413);
  assert.equal(connections, 2);
});

test('destroy ends what is under way and closes every connection', async (t) => {
  await using worker = await recordingWorker(({ target }, socket) => void (target === '/x' && socket.write(ok('hi'))));
  const { wire, start, ask } = client(t, worker.url);
  await ask();
  const hanging = [start({ path: '/hangs' }), start({ path: '/hangs' })];
  await until(() => worker.total === 3);
  await wire.destroy();
  for (const { over } of hanging) assert.equal((await over.promise).error?.code, 'UND_ERR_DESTROYED');
  await until(() => worker.sockets.size === 0);
});
