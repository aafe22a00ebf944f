import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createClient } from '../../../src/http/upstream/create-client.ts';
import { get } from '../../../src/http/upstream/get.ts';
import { fakeWorker, type Handler } from '../../helpers/fake-worker.ts';

async function answerOf(handler: Handler, options: { timeoutMs?: number; maxBytes?: number } = {}) {
  await using worker = await fakeWorker(handler);
  const client = createClient(worker.url);
  try {
    return await get(client, '/x', { headers: { 'x-from': 'test' }, timeoutMs: 5_000, maxBytes: 100, ...options });
  } finally {
    await client.destroy();
  }
}

test('status, body, and the headers sent', async () => {
  const answer = await answerOf((request, response) => {
    response.writeHead(418);
    response.write(`${request.method} `);
    response.end(request.headers['x-from']);
  });
  assert.deepEqual([answer.status, answer.body.toString()], [418, 'GET test']);
});

test('a body longer than asked for is an error, unless none of it matters', async () => {
  const long: Handler = (_, response) => void response.end('y'.repeat(1_000_000));
  await assert.rejects(answerOf(long, { maxBytes: 10 }), { message: '/x answered more than 10 bytes' });
  const { status, body } = await answerOf(long, { maxBytes: 0 });
  assert.deepEqual([status, body.length], [200, 0]);
});

test('an answer that does not come, or not whole, is an error in time', async () => {
  const late = /^\/x gave no answer within 30 ms$/;
  await assert.rejects(
    answerOf(() => {}, { timeoutMs: 30 }),
    { message: late },
  );
  await assert.rejects(
    answerOf((_, response) => void response.write('half'), { timeoutMs: 30 }),
    { message: late },
  );
});

test('a connection that breaks is an error', async () => {
  await assert.rejects(answerOf(({ socket }) => void socket.destroy()));
});

test('connections that the worker closed while they were idle count for nothing', async () => {
  let asked = 0;
  await using worker = await fakeWorker((_, response) => {
    asked++;
    response.end('ok');
  });
  const client = createClient(worker.url);
  const ask = () => get(client, '/x', { headers: {}, timeoutMs: 5_000, maxBytes: 100 });
  await Promise.all([ask(), ask()]);
  // In the same turn of the event loop, so that the client has not heard of it.
  worker.server.closeAllConnections();
  assert.deepEqual([(await ask()).status, asked], [200, 3]);
  await client.destroy();
});

test('a worker that closes every connection over its second request is an error', async () => {
  let asked = 0;
  await using worker = await fakeWorker(({ socket }, response) => {
    asked++;
    if (asked === 1) response.end();
    else socket.destroy();
  });
  const client = createClient(worker.url);
  const ask = () => get(client, '/x', { headers: {}, timeoutMs: 5_000, maxBytes: 100 });
  await ask();
  await assert.rejects(ask);
  assert.equal(asked, 3);
  await client.destroy();
});
