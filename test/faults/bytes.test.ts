import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { test } from 'node:test';
import { gunzipSync, gzipSync } from 'node:zlib';
import { fakeWorker } from '../helpers/fake-worker.ts';
import { rawClient } from '../helpers/raw-client.ts';
import { testRouter } from '../helpers/test-router.ts';

const sha256 = (bytes: Buffer) => createHash('sha256').update(bytes).digest('hex');
const post = (url: string, body: Buffer | string = '{}', headers: Record<string, string> = {}) =>
  fetch(`${url}/generate`, { method: 'POST', body, headers });

test('(15) bodies of 1, 8 and 100 MiB arrive byte for byte', async () => {
  await using worker = await fakeWorker((_, response, body) => response.end(sha256(body)));
  await using router = await testRouter([worker.url]);
  for (const mib of [1, 8, 100]) {
    const body = Buffer.alloc(mib * 2 ** 20, '{"a":1, "a":2, "big":12345678901234567890, "s":"\\ud800"}\xff', 'latin1');
    assert.equal(await (await post(router.url, body)).text(), sha256(body), `${mib} MiB`);
  }
});

test('(16) an event stream arrives byte for byte wherever it is cut', async () => {
  const stream = Buffer.from('data: {"text":"grüße 👋"}\n\ndata: [DONE]\n\n');
  await using worker = await fakeWorker(async (request, response) => {
    const cut = Number(request.headers['x-cut']);
    response.writeHead(200, { 'content-type': 'text/event-stream' });
    await new Promise((resolve) => response.write(stream.subarray(0, cut), resolve));
    await new Promise(setImmediate);
    response.end(stream.subarray(cut));
  });
  await using router = await testRouter([worker.url]);
  for (let cut = 1; cut < stream.length; cut++) {
    const answer = await post(router.url, '{}', { 'x-cut': String(cut) });
    assert.deepEqual(Buffer.from(await answer.arrayBuffer()), stream, `cut after ${cut} bytes`);
  }
});

test('(16) 10,000 tiny events arrive, all and in order', async () => {
  const events = Array.from({ length: 10_000 }, (_, i) => `data: ${i}\n\n`);
  await using worker = await fakeWorker((_, response) => {
    response.writeHead(200, { 'content-type': 'text/event-stream' });
    for (const event of events) response.write(event);
    response.end();
  });
  await using router = await testRouter([worker.url]);
  assert.equal(await (await post(router.url)).text(), events.join(''));
});

test('(16) nothing is held back: each event is there before the worker has sent the next', async () => {
  const next = new EventTarget();
  await using worker = await fakeWorker(async (_, response) => {
    response.writeHead(200, { 'content-type': 'text/event-stream' });
    for (let i = 0; i < 5; i++) {
      response.write(`data: ${i}\n\n`);
      await new Promise((resolve) => next.addEventListener('read', resolve, { once: true }));
    }
    response.end();
  });
  await using router = await testRouter([worker.url]);
  using client = await rawClient(router.url);
  client.send('POST /generate HTTP/1.1\r\nhost: x\r\ncontent-length: 2\r\nconnection: close\r\n\r\n{}');
  for (let i = 0; i < 5; i++) {
    await client.until(new RegExp(`data: ${i}\n\n`));
    next.dispatchEvent(new Event('read'));
  }
  assert.match(await client.closed(), /\r\n0\r\n\r\n$/);
});

test('(17) a compressed answer is passed on as it is, with its header', async () => {
  const packed = gzipSync('{"text":"packed"}');
  await using worker = await fakeWorker((request, response) => {
    assert.equal(request.headers['accept-encoding'], 'gzip');
    response.writeHead(200, { 'content-encoding': 'gzip', 'content-type': 'application/json' }).end(packed);
  });
  await using router = await testRouter([worker.url]);
  using client = await rawClient(router.url);
  const head =
    'POST /generate HTTP/1.1\r\nhost: x\r\naccept-encoding: gzip\r\ncontent-length: 2\r\nconnection: close\r\n\r\n';
  client.send(`${head}{}`);
  const answer = Buffer.from(await client.closed(), 'latin1');
  assert.match(answer.toString('latin1'), /\r\ncontent-encoding: gzip\r\n/);
  assert.ok(answer.includes(packed));
  assert.equal(gunzipSync(packed).toString(), '{"text":"packed"}');
});
