import assert from 'node:assert/strict';
import { test } from 'node:test';
import { terminalEvent } from '../../src/data/broken-stream.ts';
import { RouterError } from '../../src/errors/errors.ts';
import { fakeWorker, type Handler } from '../helpers/fake-worker.ts';
import { rawClient } from '../helpers/raw-client.ts';
import { testRouter, until } from '../helpers/test-router.ts';

const post = (url: string, path: string) => fetch(url + path, { method: 'POST', body: '{}' });

/** Streams `text`, then dies. */
const breaking =
  (text: string, headers: Record<string, string> = {}): Handler =>
  (request, response) => {
    response.writeHead(200, { 'content-type': 'text/event-stream; charset=utf-8', ...headers });
    response.write(text, () => setTimeout(() => request.socket.destroy(), 5));
  };

const events = (text: string) => text.split('\n\n').filter((event) => event !== '');

for (const path of ['/v1/chat/completions', '/v1/completions', '/generate']) {
  test(`${path}: a stream that breaks off ends with an error object and no [DONE]`, async () => {
    await using worker = await fakeWorker(breaking('data: {"n":1}\n\ndata: {"n":2}\n\n'));
    await using router = await testRouter([worker.url]);
    const answer = await post(router.url, path);
    assert.equal(answer.status, 200);
    const [one, two, last, ...more] = events(await answer.text());
    assert.deepEqual([one, two, more], ['data: {"n":1}', 'data: {"n":2}', []]);
    const { error } = JSON.parse(last?.slice('data: '.length) ?? '') as { error: { code: string; message: string } };
    assert.equal(error.code, 'worker_connection_failed');
    assert.ok(error.message.includes(worker.url));
    assert.match(error.message, /in the middle of its answer/);
    await until(() => router.router.registry.workers[0]?.breaker.failures === 1);
  });
}

test('/v1/messages: the error event of that API', async () => {
  await using worker = await fakeWorker(
    breaking('event: content_block_start\ndata: {"type":"content_block_start"}\n\n'),
  );
  await using router = await testRouter([worker.url]);
  const last = events(await (await post(router.url, '/v1/messages?beta=true')).text()).at(-1) ?? '';
  const [name, data] = last.split('\n');
  assert.equal(name, 'event: error');
  const { type, error } = JSON.parse(data?.slice('data: '.length) ?? '') as { type: string; error: { type: string } };
  assert.deepEqual([type, error.type], ['error', 'api_error']);
});

test('/v1/responses: the error event of that API, numbered after the last', async () => {
  await using worker = await fakeWorker(
    breaking(
      'event: a\ndata: {"type":"a","sequence_number":6}\n\nevent: b\ndata: {"type":"b","sequence_number":7}\n\n',
    ),
  );
  await using router = await testRouter([worker.url]);
  const last = events(await (await post(router.url, '/v1/responses')).text()).at(-1) ?? '';
  const [name, data] = last.split('\n');
  assert.equal(name, 'event: error');
  const event = JSON.parse(data?.slice('data: '.length) ?? '') as Record<string, unknown>;
  assert.deepEqual([event.type, event.code, event.sequence_number], ['error', 'worker_connection_failed', 8]);
});

test('an event that was cut is ended, so that the error stands alone', async () => {
  await using worker = await fakeWorker(breaking('data: {"n":1}\n\ndata: {"te'));
  await using router = await testRouter([worker.url]);
  const [one, cut, last] = events(await (await post(router.url, '/generate')).text());
  assert.deepEqual([one, cut], ['data: {"n":1}', 'data: {"te']);
  assert.match(last ?? '', /^data: \{"error":/);
});

test('after the error the answer is complete in itself, and the connection serves the next request', async () => {
  await using worker = await fakeWorker(breaking('data: 1\n\n'));
  await using router = await testRouter([worker.url]);
  using client = await rawClient(router.url);
  for (const number of [1, 2]) {
    client.send('POST /generate HTTP/1.1\r\nhost: x\r\ncontent-length: 2\r\n\r\n{}');
    await client.until(new RegExp(`^(HTTP/1\\.1 200 (?:(?!HTTP)[^])*\n\n\r\n0\r\n\r\n){${number}}$`));
  }
});

test('what cannot carry an event is cut: a declared length, a coding, no events at all', async () => {
  const cases = [{ 'content-length': '1000' }, { 'content-encoding': 'gzip' }, { 'content-type': 'application/json' }];
  for (const headers of cases) {
    await using worker = await fakeWorker(breaking('data: 1\n\n', headers));
    await using router = await testRouter([worker.url]);
    using client = await rawClient(router.url);
    client.send('POST /generate HTTP/1.1\r\nhost: x\r\ncontent-length: 2\r\n\r\n{}');
    const received = await client.closed();
    assert.match(received, /data: 1\n\n/);
    assert.ok(!received.includes('error'), received);
    assert.ok(!received.endsWith('0\r\n\r\n'), received);
  }
});

test('a worker that dies takes only its own streams along', async () => {
  const begins: Handler = (_request, response) =>
    void response.writeHead(200, { 'content-type': 'text/event-stream' }).write('data: {"n":1}\n\n');
  await using dying = await fakeWorker(begins);
  const open: import('node:http').ServerResponse[] = [];
  await using well = await fakeWorker((request, response, body) => {
    begins(request, response, body);
    open.push(response);
  });
  await using router = await testRouter([dying.url, well.url]);
  const answers = await Promise.all(Array.from({ length: 10 }, () => post(router.url, '/generate')));
  await until(() => open.length === 5);
  await dying.close();
  await until(() => router.router.registry.get(dying.url)?.load === 0);
  for (const response of open) response.end('data: [DONE]\n\n');
  const texts = await Promise.all(answers.map((answer) => answer.text()));
  const done = texts.filter((text) => text.endsWith('[DONE]\n\n') && !text.includes('error'));
  const broken = texts.filter((text) => !text.includes('[DONE]') && text.includes('"error"'));
  assert.deepEqual([done.length, broken.length], [5, 5]);
});

test('an event that ended is left as it is, whichever way its lines end', () => {
  const error = new RouterError('worker_timeout', 'x');
  const begins = (last: string) => terminalEvent('openai', error, Buffer.from(last)).toString().startsWith('data:');
  assert.deepEqual(['data: 1\n\n', 'data: 1\r\n\r\n'].map(begins), [true, true]);
  assert.deepEqual(['data: 1\n', 'data: 1', '\n'].map(begins), [false, false, false]);
});
