import assert from 'node:assert/strict';
import { test } from 'node:test';
import { brotliCompressSync, gzipSync, zstdCompressSync } from 'node:zlib';
import { answering, fakeWorker } from '../helpers/fake-worker.ts';
import { rawClient, sendRaw } from '../helpers/raw-client.ts';
import { DATA_THREADS, testRouter, until } from '../helpers/test-router.ts';

const post = (
  url: string,
  path = '/generate',
  headers: Record<string, string> = {},
  body: string | Uint8Array<ArrayBuffer> = '{}',
) => fetch(url + path, { method: 'POST', body: body, headers });
const EVENTS = { 'content-type': 'text/event-stream' };

test('a router among whose workers is another that names it: one request to each, then 508', async () => {
  await using first = await testRouter([], ['--disable-health-check']);
  await using second = await testRouter([first.url], ['--disable-health-check']);
  first.router.registry.add({ url: second.url });
  const answer = await post(first.url);
  assert.equal(answer.status, 508);
  assert.match(await answer.text(), /a router among whose workers this one is|this router itself/);
  const flushed = await post(first.url, '/flush_cache');
  assert.notEqual(flushed.status, 200);
});

test('what points to the worker points to the router', async () => {
  let location = '';
  await using worker = await fakeWorker((_, response) => void response.writeHead(307, { location }).end());
  await using router = await testRouter([worker.url]);
  for (const [said, seen] of [
    [`${worker.url}/docs?x=1`, '/docs?x=1'],
    [worker.url, '/'],
    ['/docs', '/docs'],
    ['docs', 'docs'],
    ['//elsewhere.invalid/x', '//elsewhere.invalid/x'],
    [`${worker.url}1/x`, `${worker.url}1/x`],
    ['https://elsewhere.invalid/x', 'https://elsewhere.invalid/x'],
  ] as const) {
    location = said;
    const { headers } = await fetch(`${router.url}/some`, { redirect: 'manual' });
    assert.equal(headers.get('location'), seen, said);
  }
});

test('a key may come as x-api-key, and stays with the router where the worker has its own', async () => {
  await using worker = await fakeWorker((request, response) => {
    response.end(JSON.stringify([request.headers.authorization, request.headers['x-api-key']]));
  });
  await using router = await testRouter([worker.url], ['--api-key', 'the-key']);
  assert.equal((await post(router.url, '/v1/messages', { 'x-api-key': 'wrong' })).status, 401);
  const answer = await post(router.url, '/v1/messages', { 'x-api-key': 'the-key' });
  assert.deepEqual(await answer.json(), ['Bearer the-key', null]);
});

test('/v1/messages is told of errors in the form of its API', async () => {
  await using router = await testRouter([], ['--api-key', 'k', '--max-payload-size', '10'], { queueTimeoutMs: 20 });
  const errorOf = async (headers: Record<string, string>, body = '{}') => {
    const answer = await post(router.url, '/v1/messages', headers, body);
    const { type, error } = (await answer.json()) as { type: string; error: { type: string; code: string } };
    return [answer.status, type, error.type, error.code];
  };
  assert.deepEqual(await errorOf({}), [401, 'error', 'authentication_error', 'unauthorized']);
  const key = { authorization: 'Bearer k' };
  assert.deepEqual(await errorOf(key), [503, 'error', 'overloaded_error', 'no_available_workers']);
  assert.deepEqual(await errorOf(key, 'x'.repeat(11)), [413, 'error', 'request_too_large', 'payload_too_large']);
});

test('a compressed body is read, and goes on as what it is', async () => {
  await using worker = await fakeWorker((request, response, body) => {
    response.end(JSON.stringify([request.headers['content-encoding'], String(body)]));
  });
  await using router = await testRouter([worker.url], ['--max-payload-size', '1000']);
  const text = JSON.stringify({ text: 'hello' });
  for (const [coding, bytes] of [
    ['gzip', gzipSync(text)],
    ['br', brotliCompressSync(text)],
    ['ZSTD', zstdCompressSync(text)],
  ] as const) {
    const answer = await post(router.url, '/generate', { 'content-encoding': coding }, bytes);
    assert.deepEqual(await answer.json(), [null, text]);
  }
  const statusOf = async (coding: string, bytes: string | Uint8Array<ArrayBuffer>, path = '/generate') =>
    (await post(router.url, path, { 'content-encoding': coding }, bytes)).status;
  assert.equal(await statusOf('compress', text), 415);
  assert.equal(await statusOf('gzip', text), 400);
  assert.equal(await statusOf('gzip', gzipSync(Buffer.alloc(10_000_000))), 413);
  const unknown = await post(router.url, '/unknown', { 'content-encoding': 'gzip' }, gzipSync('x'));
  assert.equal(((await unknown.json()) as string[])[0], 'gzip');
});

test('streams tell proxies in front not to hold them back, unless the worker has said something', async () => {
  let own: Record<string, string> = {};
  await using worker = await fakeWorker(
    (_, response) => void response.writeHead(200, { ...EVENTS, ...own }).end('data: 1\n\n'),
  );
  await using router = await testRouter([worker.url]);
  const told = async () => {
    const { headers } = await post(router.url);
    return [headers.get('x-accel-buffering'), headers.get('cache-control')];
  };
  assert.deepEqual(await told(), ['no', 'no-cache']);
  own = { 'x-accel-buffering': 'yes', 'cache-control': 'max-age=1' };
  assert.deepEqual(await told(), ['yes', 'max-age=1']);
});

test('after the whole time there was, clients are told not to send it again', async () => {
  await using worker = await fakeWorker(() => {});
  await using router = await testRouter([worker.url], [], { requestTimeoutMs: 50 });
  const answer = await post(router.url);
  assert.deepEqual([answer.status, answer.headers.get('x-should-retry')], [504, 'false']);
});

test('the front page and the icon are the router’s own', async () => {
  await using worker = await fakeWorker(answering('never'));
  await using router = await testRouter([worker.url]);
  assert.equal(((await (await fetch(router.url)).json()) as { name: string }).name, 'sglang-router');
  assert.equal((await fetch(`${router.url}/favicon.ico`)).status, 204);
  assert.deepEqual(worker.seen, []);
});

test('an answer to an HTTP/1.0 client that breaks off is reset, not ended in order', async () => {
  await using worker = await fakeWorker((request, response) => {
    response.writeHead(200, { 'content-type': 'text/plain' });
    response.write('half', () => setImmediate(() => request.socket.destroy()));
  });
  await using router = await testRouter([worker.url]);
  using client = await rawClient(router.url);
  let reset = false;
  client.socket.on('error', (error: NodeJS.ErrnoException) => {
    reset = error.code === 'ECONNRESET';
  });
  client.send('POST /unknown HTTP/1.0\r\ncontent-length: 2\r\n\r\n{}');
  await client.closed();
  await until(() => reset);
});

test('HTTP/1.0 keeps its connection where it asks for that', async () => {
  await using worker = await fakeWorker(answering('fine'));
  await using router = await testRouter([worker.url]);
  const closing = await sendRaw(router.url, 'POST /generate HTTP/1.0\r\ncontent-length: 2\r\n\r\n{}');
  assert.match(closing, /^HTTP\/1\.1 200 [\s\S]*connection: close\r\n\r\nfine$/);
  using client = await rawClient(router.url);
  client.send('POST /generate HTTP/1.0\r\nconnection: keep-alive\r\ncontent-length: 2\r\n\r\n{}');
  await client.until(/connection: keep-alive\r\n[\s\S]*fine$/);
});

test('beyond --max-held-payload-size uploads wait until others have their answer', async () => {
  const answers: (() => void)[] = [];
  await using worker = await fakeWorker((_, response, body) => {
    answers.push(() => void response.end(String(body.length)));
  });
  await using router = await testRouter(
    [worker.url],
    ['--max-held-payload-size', '1MB', '--max-concurrent-requests', '0'],
  );
  const big = Buffer.alloc(700_000, 'x');
  const all = Array.from({ length: 6 }, async () => await (await post(router.url, '/generate', {}, big)).text());
  for (let answered = 0; answered < all.length; answered++) {
    await until(() => answers.length > answered);
    // Each data thread holds one body at least.
    assert.ok(
      answers.length - answered <= Math.max(2, DATA_THREADS),
      `${answers.length - answered} bodies are held at once`,
    );
    answers[answered]?.();
  }
  assert.deepEqual(await Promise.all(all), Array(6).fill('700000'));
});

test('a full router refuses an upload before its body comes', async () => {
  const answers: (() => void)[] = [];
  await using worker = await fakeWorker((_, response) => void answers.push(() => response.end('done')));
  await using router = await testRouter([worker.url], ['--max-concurrent-requests', '1', '--queue-size', '0']);
  const held = post(router.url);
  await until(() => answers.length === 1);
  for (const header of [
    'content-length: 4000000',
    'transfer-encoding: chunked',
    'content-length: 2\r\nexpect: 100-continue',
  ]) {
    using client = await rawClient(router.url);
    client.send(`POST /generate HTTP/1.1\r\nhost: a\r\n${header}\r\n\r\n`);
    await client.until(/^HTTP\/1\.1 429 [\s\S]*--max-concurrent-requests/);
  }
  answers[0]?.();
  await (await held).text();
  // Whoever has seen an answer finds its place free.
  using client = await rawClient(router.url);
  client.send('POST /generate HTTP/1.1\r\nhost: a\r\ncontent-length: 2\r\nexpect: 100-continue\r\n\r\n');
  await client.until(/^HTTP\/1\.1 100 /);
  client.send('{}');
  await until(() => answers.length === 2);
  answers[1]?.();
  await client.until(/HTTP\/1\.1 200 [\s\S]*done$/);
});

test('an upload that may wait is read while the router is full', async () => {
  const answers: (() => void)[] = [];
  await using worker = await fakeWorker((_, response) => void answers.push(() => response.end('done')));
  await using router = await testRouter([worker.url], ['--max-concurrent-requests', '1', '--queue-size', '1']);
  const held = post(router.url);
  await until(() => answers.length === 1);
  using client = await rawClient(router.url);
  client.send('POST /generate HTTP/1.1\r\nhost: a\r\ncontent-length: 2\r\nexpect: 100-continue\r\n\r\n');
  await client.until(/^HTTP\/1\.1 100 /);
  client.send('{}');
  answers[0]?.();
  await (await held).text();
  await until(() => answers.length === 2);
  answers[1]?.();
  await client.until(/HTTP\/1\.1 200 [\s\S]*done$/);
});
