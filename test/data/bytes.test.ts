import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { request as httpRequest } from 'node:http';
import { connect } from 'node:net';
import { text } from 'node:stream/consumers';
import { test } from 'node:test';
import { setImmediate } from 'node:timers/promises';
import { answering, fakeWorker } from '../helpers/fake-worker.ts';
import { recordingWorker } from '../helpers/recording-worker.ts';
import { readResponse } from '../helpers/strict-http.ts';
import { testRouter } from '../helpers/test-router.ts';

const sha256 = (bytes: Buffer) => createHash('sha256').update(bytes).digest('hex');

/** 20 MB with unknown fields, duplicate keys, odd white space, big integers and lone surrogates: nothing a re-serialiser leaves alone. */
function oddBody(): Buffer {
  const head =
    '{ "text" :\t"a", "text":"b",\r\n  "unknown" : {"x":1e400, "y":12345678901234567890}, "s":"\\ud800", "fill":"';
  return Buffer.from(`${head}${'0123456789abcdef'.repeat(20 * 65_536)}" ,"last" : [ ] }\n`);
}

test('a 20 MB body arrives byte for byte', async () => {
  await using worker = await fakeWorker((_, response, body) => response.end(sha256(body)));
  await using router = await testRouter([worker.url]);
  const body = oddBody();
  const answer = await fetch(`${router.url}/generate`, { method: 'POST', body });
  assert.equal(await answer.text(), sha256(body));
});

test('a chunked upload of unknown length arrives byte for byte', async () => {
  await using worker = await fakeWorker((_, response, body) => response.end(sha256(body)));
  await using router = await testRouter([worker.url]);
  const body = oddBody().subarray(0, 300_000);
  const upload = httpRequest(`${router.url}/generate`, { method: 'POST' });
  for (let at = 0; at < body.length; at += 7_001) upload.write(body.subarray(at, at + 7_001));
  upload.end();
  const [response] = await onceResponse(upload);
  assert.equal(await text(response), sha256(body));
});

test('odd heads: a repeated content-type, a 204 that declares a length', async () => {
  const head = (line: string, ...headers: string[]) => `HTTP/1.1 ${[line, ...headers].join('\r\n')}\r\n\r\n`;
  await using worker = await recordingWorker(({ target }, socket) => {
    if (target === '/none') socket.write(head('204 No Content', 'content-length: 5'));
    else socket.write(`${head('200 OK', 'content-type: text/a', 'content-type: text/b', 'content-length: 2')}hi`);
  });
  await using router = await testRouter([worker.url]);
  const twice = await fetch(`${router.url}/generate`, { method: 'POST', body: '{}' });
  assert.deepEqual([twice.headers.get('content-type'), await twice.text()], ['text/a, text/b', 'hi']);
  const none = await fetch(`${router.url}/none`);
  assert.deepEqual([none.status, none.headers.get('content-length')], [204, null]);
});

test('/rerank is /v1/rerank to a worker, which serves only that', async () => {
  await using worker = await fakeWorker(({ url }, response) => response.end(url));
  await using router = await testRouter([worker.url]);
  for (const [path, there] of [
    ['/rerank', '/v1/rerank'],
    ['/rerank?a=/b', '/v1/rerank?a=/b'],
    ['/v1/rerank', '/v1/rerank'],
    ['/reranked', '/reranked'],
  ] as const) {
    assert.equal(await (await fetch(router.url + path, { method: 'POST', body: '{}' })).text(), there);
  }
});

test('a stream in 1-byte writes arrives byte for byte', async () => {
  const stream = 'data: {"text":"grüße 👋\\u0000"}\n\ndata: [DONE]\n\n';
  await using worker = await fakeWorker(async (_, response) => {
    response.writeHead(200, { 'content-type': 'text/event-stream; charset=utf-8' });
    for (const byte of Buffer.from(stream)) {
      await new Promise((resolve) => response.write(Buffer.of(byte), resolve));
    }
    response.end();
  });
  await using router = await testRouter([worker.url]);
  const answer = await fetch(`${router.url}/v1/chat/completions`, { method: 'POST', body: '{}' });
  assert.equal(answer.headers.get('content-type'), 'text/event-stream; charset=utf-8');
  assert.equal(await answer.text(), stream);
});

test('chunks reach the client as they came, but for what is no data: extensions and trailers', async () => {
  const head = 'HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n';
  const pieces = [
    `${head}9\r\ndata: 1\n\n\r\n`,
    '9\r\ndata: 2\n\n\r\n9\r\ndata: 3\n\n\r\n',
    '9;a="b"\r\ndata: 4\n\n\r\n9\r\nda',
  ];
  pieces.push('ta: 5\n\n\r', '\n009\r\ndata: 6\n\n\r\n0\r\nx-trailer: 1\r\n\r\n');
  await using worker = await recordingWorker(async (_, socket) => {
    for (const piece of pieces) {
      await new Promise((resolve) => socket.write(piece, resolve));
      await setImmediate();
    }
  });
  await using router = await testRouter([worker.url]);
  const { port, hostname } = new URL(router.url);
  const socket = connect(Number(port), hostname);
  socket.write('POST /generate HTTP/1.1\r\nhost: a\r\nconnection: close\r\ncontent-length: 2\r\n\r\n{}');
  const raw = await text(socket);
  const answer = readResponse(Buffer.from(raw), 0, 'POST', true);
  assert.equal(String(answer?.body), [1, 2, 3, 4, 5, 6].map((n) => `data: ${n}\n\n`).join(''));
  assert.equal(answer?.end, raw.length);
  assert.doesNotMatch(raw, /a="b"|x-trailer/);
});

test('chunks around every size at which framing changes arrive byte for byte', async () => {
  const sizes = [1, 15, 16, 255, 256, 4_095, 4_096, 16_383, 16_384, 16_385, 65_536, 70_000, 1_000_000];
  const all = Buffer.concat(sizes.map((size, i) => Buffer.alloc(size, 65 + i)));
  await using worker = await fakeWorker(async (_, response) => {
    for (const [i, size] of sizes.entries()) {
      await new Promise((resolve) => response.write(Buffer.alloc(size, 65 + i), resolve));
    }
    response.end();
  });
  await using router = await testRouter([worker.url]);
  const answer = await fetch(`${router.url}/generate`, { method: 'POST', body: '{}' });
  assert.equal(sha256(Buffer.from(await answer.arrayBuffer())), sha256(all));
});

test('method, path, query string and unknown headers reach the worker; status, reason and headers come back', async () => {
  await using worker = await fakeWorker((request, response, body) => {
    response.writeHead(418, 'Short and stout', { 'x-worker': 'yes', 'set-cookie': ['a=1', 'b=2'] });
    response.end(`${request.method} ${request.url} ${request.headers['x-client']} ${body}`);
  });
  await using router = await testRouter([worker.url]);
  const answer = await fetch(`${router.url}/any/path%2F..?x=1&y=%20`, {
    method: 'PATCH',
    body: 'b',
    headers: { 'x-client': 'c' },
  });
  assert.deepEqual([answer.status, answer.statusText], [418, 'Short and stout']);
  assert.equal(answer.headers.get('x-worker'), 'yes');
  assert.deepEqual(answer.headers.getSetCookie(), ['a=1', 'b=2']);
  assert.equal(answer.headers.get('x-sglang-router-worker'), worker.url);
  assert.equal(await answer.text(), 'PATCH /any/path%2F..?x=1&y=%20 c b');
});

test('answers without a body keep their shape', async () => {
  await using worker = await fakeWorker((request, response) => {
    if (request.url === '/204') response.writeHead(204).end();
    else if (request.url === '/304') response.writeHead(304, { etag: 'x' }).end();
    else response.writeHead(200, { 'content-length': '1234' }).end();
  });
  await using router = await testRouter([worker.url]);
  assert.equal((await fetch(`${router.url}/204`)).status, 204);
  assert.equal((await fetch(`${router.url}/304`)).status, 304);
  const head = await fetch(`${router.url}/head`, { method: 'HEAD' });
  assert.equal(head.headers.get('content-length'), '1234');
  assert.equal((await fetch(`${router.url}/204`)).status, 204);
});

test('an HTTP/1.0 client gets a stream without chunked framing', async () => {
  await using worker = await fakeWorker((_, response) => {
    response.write('one ');
    response.end('two');
  });
  await using router = await testRouter([worker.url]);
  const { port, hostname } = new URL(router.url);
  const socket = connect(Number(port), hostname);
  socket.write('GET /x HTTP/1.0\r\n\r\n');
  const raw = await text(socket);
  assert.match(raw, /^HTTP\/1\.1 200/);
  assert.doesNotMatch(raw, /chunked/i);
  assert.ok(raw.endsWith('\r\n\r\none two'));
});

test('an absolute request line goes to the worker as a path', async () => {
  await using worker = await fakeWorker((request, response) => response.end(`${request.url} ${request.headers.host}`));
  await using router = await testRouter([worker.url]);
  const request = httpRequest(router.url, { path: 'http://elsewhere.invalid/p?q=1', headers: { host: 'x' } }).end();
  const [response] = await onceResponse(request);
  assert.equal(await text(response), `/p?q=1 127.0.0.1:${worker.port}`);
});

test('a base path of the worker URL comes before every path', async () => {
  await using worker = await fakeWorker((request, response) => response.end(request.url));
  worker.server.prependListener('request', (request) => {
    request.url = request.url?.replace('/base/health', '/health') ?? '';
  });
  await using router = await testRouter([`${worker.url}/base/`]);
  assert.equal(await (await fetch(`${router.url}/generate?x`)).text(), '/base/generate?x');
});

test('two requests written at once on one connection are answered in order', async () => {
  await using worker = await fakeWorker((request, response) => {
    setTimeout(() => response.end(`[${request.url}]`), request.url === '/slow' ? 50 : 0);
  });
  await using router = await testRouter([worker.url]);
  const { port, hostname } = new URL(router.url);
  const socket = connect(Number(port), hostname);
  socket.write('GET /slow HTTP/1.1\r\nhost: x\r\n\r\nGET /fast HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n');
  const raw = await text(socket);
  assert.ok(raw.indexOf('[/slow]') > 0 && raw.indexOf('[/slow]') < raw.indexOf('[/fast]'), raw);
});

test('the worker is not asked for a body over --max-payload-size', async () => {
  await using worker = await fakeWorker(answering('never'));
  await using router = await testRouter([worker.url], ['--max-payload-size', '1000']);
  const declared = await fetch(`${router.url}/generate`, { method: 'POST', body: 'x'.repeat(1_001) });
  assert.equal(declared.status, 413);
  const { error } = (await declared.json()) as { error: { code: string; message: string } };
  assert.equal(error.code, 'payload_too_large');
  assert.match(error.message, /at most 1000 bytes, got 1001.*--max-payload-size/);

  const undeclared = httpRequest(`${router.url}/generate`, { method: 'POST' });
  undeclared.on('error', () => {});
  undeclared.write('x'.repeat(600));
  undeclared.write('x'.repeat(600));
  const [response] = await onceResponse(undeclared);
  assert.equal(response.statusCode, 413);
  undeclared.destroy();
  assert.deepEqual(worker.seen, []);
});

function onceResponse(request: ReturnType<typeof httpRequest>) {
  return new Promise<[import('node:http').IncomingMessage]>((resolve, reject) => {
    request.on('response', (response) => resolve([response]));
    request.on('error', reject);
  });
}
