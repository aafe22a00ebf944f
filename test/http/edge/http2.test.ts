import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import type { ServerResponse } from 'node:http';
import {
  type ClientHttp2Session,
  type ClientHttp2Stream,
  connect,
  constants,
  type OutgoingHttpHeaders,
} from 'node:http2';
import { get } from 'node:https';
import { connect as connectTcp } from 'node:net';
import { test } from 'node:test';
import { connect as connectTls } from 'node:tls';
import { promisify } from 'node:util';
import { fakeWorker } from '../../helpers/fake-worker.ts';
import { testRouter, until } from '../../helpers/test-router.ts';
import { tlsFile } from '../../helpers/tls.ts';

const run = promisify(execFile);
const PREFACE = 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n';

/** A client that speaks HTTP/2 and nothing else. */
function client(url: string, options = {}) {
  const session = connect(url, options);
  session.on('error', () => {});
  return Object.assign(session, { [Symbol.dispose]: () => session.destroy() });
}

interface Answer {
  readonly status: number | undefined;
  readonly headers: Readonly<Record<string, unknown>>;
  readonly body: string;
}

async function answerTo(stream: ClientHttp2Stream): Promise<Answer> {
  const chunks: Buffer[] = [];
  stream.on('data', (chunk: Buffer) => chunks.push(chunk));
  const [[headers]] = await Promise.all([once(stream, 'response'), once(stream, 'end')]);
  return { status: headers[':status'], headers, body: Buffer.concat(chunks).toString() };
}

function ask(session: ClientHttp2Session, headers: OutgoingHttpHeaders, body?: string | Buffer): Promise<Answer> {
  const stream = session.request(headers);
  stream.on('error', () => {});
  stream.end(body);
  return answerTo(stream);
}

const post = (path: string): OutgoingHttpHeaders => ({ ':method': 'POST', ':path': path });

test('requests over HTTP/2 with prior knowledge reach workers, many at once over one connection', async () => {
  await using worker = await fakeWorker(({ method, url, headers }, response, body) => {
    response.setHeader('set-cookie', ['a=1', 'b=2']);
    response.end(JSON.stringify({ method, url, body: body.toString('latin1').length, id: headers['x-request-id'] }));
  });
  await using router = await testRouter([worker.url], ['--api-key', 'secret']);
  using session = client(router.url);
  const authorization = 'Bearer secret';
  const sizes = [0, 10, 100_000, 3_000_000];
  const answers = await Promise.all(
    sizes.map((size) =>
      ask(session, { ...post('/generate?q=1'), authorization, 'x-request-id': `id-${size}` }, Buffer.alloc(size, 'x')),
    ),
  );
  for (const [at, size] of sizes.entries()) {
    const { status, headers, body } = answers[at] as Answer;
    assert.equal(status, 200);
    assert.deepEqual(JSON.parse(body), { method: 'POST', url: '/generate?q=1', body: size, id: `id-${size}` });
    assert.equal(headers['x-request-id'], `id-${size}`);
    assert.deepEqual(headers['set-cookie'], ['a=1', 'b=2']);
    assert.equal(headers['content-length'], String(body.length));
  }
  assert.equal((await ask(session, post('/generate'))).status, 401);
  assert.equal((await ask(session, { ':path': '/health' })).status, 200);
  const head = await ask(session, { ':path': '/x', ':method': 'HEAD', authorization });
  assert.deepEqual([head.status, head.body], [200, '']);
  await until(() => router.records.length === sizes.length + 3);
});

for (const dataThreads of [1, 3]) {
  test(`an empty body may end after its head, with ${dataThreads} data threads`, async () => {
    await using worker = await fakeWorker((_, response) => void response.end());
    await using router = await testRouter([worker.url], [], { dataThreads });
    using session = client(router.url);
    for (const path of ['/generate', '/flush_cache', '/some']) {
      assert.equal((await ask(session, post(path), Buffer.alloc(0))).status, 200, path);
    }
  });
}

test('a stream comes as it is made, and leaves the connection when its client takes it back', async () => {
  const asked: ServerResponse[] = [];
  await using worker = await fakeWorker((_, response) => {
    asked.push(response);
    response.writeHead(200, { 'content-type': 'text/event-stream' });
    response.write('data: 1\n\n');
  });
  await using router = await testRouter([worker.url]);
  using session = client(router.url);
  const stream = session.request(post('/generate'));
  stream.end('{"stream":true}');
  assert.equal(String(await once(stream, 'data')), 'data: 1\n\n');
  assert.equal(router.router.registry.workers[0]?.load, 1);
  const closed = once(asked[0] as ServerResponse, 'close');
  stream.close(constants.NGHTTP2_CANCEL);
  await closed;
  await until(() => router.records.length > 0 && router.router.registry.workers[0]?.load === 0);
  assert.equal(router.records[0]?.clientLeft, true);
  assert.equal((await ask(session, { ':path': '/health' })).status, 200);
});

test('a client that closes its connection leaves what it has asked for, over TCP and over TLS', async () => {
  await using worker = await fakeWorker(({ url }, response) => {
    if (url === '/generate') response.write('data: 1\n\n');
  });
  const tls = ['--tls-cert-path', tlsFile('server.pem'), '--tls-key-path', tlsFile('server.key')];
  for (const flags of [[], tls]) {
    await using router = await testRouter([worker.url], flags);
    const { port, hostname } = new URL(router.url);
    const target = { port: Number(port), host: hostname, ca: readFileSync(tlsFile('ca.pem')), ALPNProtocols: ['h2'] };
    const socket = flags.length > 0 ? connectTls(target) : connectTcp(target);
    using session = client(router.url, { createConnection: () => socket });
    // Nothing of an answer can be sent, so that no write shows that the client has gone.
    session.settings({ initialWindowSize: 0 });
    const begin = (path: string) => session.request(post(path)).on('error', () => {});
    for (const path of ['/generate', '/silent']) begin(path).end('{}');
    begin('/unfinished').write('{');
    await until(() => router.router.registry.workers[0]?.load === 2);
    // As the system does for a client that was killed.
    socket.end();
    await until(() => router.router.registry.workers[0]?.load === 0 && router.records.length === 3);
    assert.deepEqual(
      router.records.map(({ clientLeft }) => clientLeft),
      [true, true, true],
    );
  }
});

test('a stream that breaks off ends with an error event, any other answer with a reset', async () => {
  await using worker = await fakeWorker((request, response) => {
    const type = request.url === '/generate' ? 'text/event-stream' : 'application/json';
    response.writeHead(200, { 'content-type': type });
    response.write('data: {"text":"x"}\n\n', () => response.destroy());
  });
  await using router = await testRouter([worker.url]);
  using session = client(router.url);
  const { body } = await ask(session, post('/generate'), '{}');
  assert.match(body, /^data: \{"text":"x"\}\n\ndata: \{"error":\{.*worker_connection_failed/);
  const stream = session.request(post('/tokenize'));
  stream.on('error', () => {});
  stream.resume().end('{}');
  await new Promise((resolve) => stream.once('close', resolve));
  assert.equal(stream.rstCode, constants.NGHTTP2_INTERNAL_ERROR);
});

test('a client that does not read holds its worker back, and no other stream of the connection', async () => {
  const MOST = 64 * 1024 * 1024;
  let sent = 0;
  const held = Promise.withResolvers<void>();
  await using worker = await fakeWorker(async ({ url }, response) => {
    if (url !== '/generate') return void response.end('fine');
    const piece = Buffer.alloc(256 * 1024, 'x');
    while (sent < MOST && !response.destroyed) {
      sent += piece.length;
      if (response.write(piece)) continue;
      const timer = setTimeout(held.resolve, 1_000);
      await once(response, 'drain');
      clearTimeout(timer);
    }
    response.end();
  });
  await using router = await testRouter([worker.url]);
  using session = client(router.url);
  const stream = session.request(post('/generate'));
  stream.end('{}');
  await once(stream, 'response');
  stream.pause();
  await held.promise;
  assert.ok(sent < MOST, 'the worker could send all of it');
  assert.equal((await ask(session, post('/tokenize'), '{}')).body, 'fine');
  let got = 0;
  stream.on('data', (chunk: Buffer) => {
    got += chunk.length;
  });
  stream.resume();
  await once(stream, 'end');
  assert.equal(got, MOST);
});

test('a body that is too large is answered before all of it was sent', async () => {
  await using worker = await fakeWorker((_, response) => response.end());
  await using router = await testRouter([worker.url], [], { maxPayloadBytes: 1_000 });
  using session = client(router.url);
  for (const declared of [{ 'content-length': '5000' }, {}]) {
    const stream = session.request({ ...post('/generate'), ...declared });
    stream.on('error', () => {});
    stream.write(Buffer.alloc(2_000));
    assert.equal((await answerTo(stream)).status, 413);
  }
  assert.deepEqual(worker.seen, []);
});

test('what is no request for anybody is refused', async () => {
  await using worker = await fakeWorker((_, response) => response.end());
  await using router = await testRouter([worker.url]);
  using session = client(router.url);
  assert.equal((await ask(session, { ':path': '/x', ':method': 'FETCH' })).status, 400);
  assert.equal((await ask(session, { ...post('/x'), expect: 'more' }, 'x')).status, 417);
  assert.deepEqual(worker.seen, []);
});

test('the beginning of HTTP/2 may come byte by byte; what only looks like it is HTTP/1', async () => {
  await using worker = await fakeWorker((_, response) => response.end('fine'));
  await using router = await testRouter([worker.url]);
  const { port, hostname } = new URL(router.url);
  // Preface, then an empty SETTINGS frame.
  const socket = connectTcp(Number(port), hostname);
  const settings = once(socket, 'data');
  for (const byte of Buffer.concat([Buffer.from(PREFACE), Buffer.from([0, 0, 0, 4, 0, 0, 0, 0, 0])])) {
    socket.write(Buffer.of(byte));
    await new Promise(setImmediate);
  }
  assert.equal((await settings)[0][3], 4);
  socket.destroy();
  for (const [pieces, expected] of [
    [['P', 'OST /tokenize HTTP/1.1\r\nhost: x\r\nconnection: close\r\ncontent-length: 0\r\n\r\n'], /^HTTP\/1\.1 200 /],
    [['PRI * HT', 'TP/1.1\r\nhost: x\r\n\r\n'], /^HTTP\/1\.1 400 /],
  ] as const) {
    const other = connectTcp(Number(port), hostname);
    let received = '';
    other.on('data', (chunk) => {
      received += chunk;
    });
    for (const piece of pieces) {
      other.write(piece);
      await new Promise(setImmediate);
    }
    await once(other, 'close');
    assert.match(received, expected);
  }
});

test('over TLS a client takes HTTP/2 or HTTP/1.1, as it likes', async () => {
  await using worker = await fakeWorker((_, response) => response.end('fine'));
  await using router = await testRouter(
    [worker.url],
    ['--tls-cert-path', tlsFile('server.pem'), '--tls-key-path', tlsFile('server.key')],
  );
  const ca = readFileSync(tlsFile('ca.pem'));
  using session = client(router.url, { ca });
  const { status, body } = await ask(session, post('/generate'), '{}');
  assert.deepEqual([status, body, session.alpnProtocol], [200, 'fine', 'h2']);
  const [response] = await once(get(`${router.url}/x`, { ca, agent: false }), 'response');
  assert.deepEqual([response.statusCode, response.httpVersion], [200, '1.1']);
  response.resume();
});

test('curl with prior knowledge', async (t) => {
  const { stdout: version } = await run('curl', ['--version']).catch(() => ({ stdout: '' }));
  if (!/\bHTTP2\b/.test(version)) return t.skip('curl knows no HTTP/2');
  await using worker = await fakeWorker((_, response, body) => response.end(`got ${body}`));
  await using router = await testRouter([worker.url]);
  const flags = ['-sS', '--http2-prior-knowledge', '-w', ' %{http_version}', '-d', 'this'];
  const { stdout } = await run('curl', [...flags, `${router.url}/generate`]);
  assert.equal(stdout, 'got this 2');
});

test('a drain tells clients to go elsewhere, and answers what is under way', async () => {
  const { promise: asked, resolve } = Promise.withResolvers<ServerResponse>();
  await using worker = await fakeWorker((_, response) => resolve(response));
  await using router = await testRouter([worker.url]);
  using session = client(router.url);
  const answer = ask(session, post('/generate'), '{}');
  const response = await asked;
  const goaway = once(session, 'goaway');
  const drained = router.router.drain(20_000);
  await goaway;
  using late = client(router.url);
  assert.equal((await ask(late, post('/generate'), '{}')).status, 503);
  response.end('fine');
  assert.equal((await answer).body, 'fine');
  assert.equal(await drained, 0);
});

test('a client that takes back request after request is sent away', async () => {
  await using worker = await fakeWorker(() => {});
  await using router = await testRouter([worker.url]);
  using session = client(router.url);
  await once(session, 'remoteSettings');
  const closed = new Promise((resolve) => session.once('close', resolve));
  const reset = () => {
    for (let i = 0; i < 100 && !session.closed && !session.destroyed; i++) {
      const stream = session.request(post('/generate'));
      stream.on('error', () => {});
      stream.close(constants.NGHTTP2_CANCEL);
    }
    if (!session.closed && !session.destroyed) setImmediate(reset);
  };
  reset();
  await closed;
  await until(() => router.router.registry.workers[0]?.load === 0);
});

test('a client that sends frame after frame for nothing is cut off', async () => {
  await using router = await testRouter([]);
  const { port, hostname } = new URL(router.url);
  const frame = (type: number, payload: readonly number[], stream = 0) =>
    Buffer.from([0, 0, payload.length, type, 0, 0, 0, 0, stream, ...payload]);
  const begin = Buffer.concat([Buffer.from(PREFACE), frame(4, [])]);
  for (const [name, first, flood] of [
    ['settings', begin, frame(4, [])],
    ['ping', begin, frame(6, [1, 2, 3, 4, 5, 6, 7, 8])],
    ['data of no request', begin, frame(0, [], 1)],
    ['headers without end', Buffer.concat([begin, frame(1, [0x82], 1)]), frame(9, [0x86], 1)],
  ] as const) {
    const socket = connectTcp(Number(port), hostname).on('error', () => {});
    let closed = false;
    socket.on('close', () => {
      closed = true;
    });
    // Its own answers are not read, and pile up.
    socket.pause().write(first);
    const many = Buffer.concat(Array.from({ length: 1_000 }, () => flood));
    const send = () => {
      if (closed) return;
      socket.write(many);
      socket.read();
      setTimeout(send, 5);
    };
    send();
    await until(() => closed);
    assert.ok(closed, name);
  }
});
