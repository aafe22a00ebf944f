import assert from 'node:assert/strict';
import { once } from 'node:events';
import type { Socket } from 'node:net';
import { test } from 'node:test';
import { rawClient } from '../helpers/raw-client.ts';
import { recordingWorker } from '../helpers/recording-worker.ts';
import { type TestRouter, testRouter, until } from '../helpers/test-router.ts';

const POST = 'POST /generate HTTP/1.1\r\nhost: x\r\ncontent-length: 2\r\n\r\n{}';
const EVENT = 'data: 1\n\n';
const STREAM = `HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n${EVENT.length.toString(16)}\r\n${EVENT}\r\n`;
const PART = 'HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\npart';

/** What a client may hold of the router: nothing, once it has left. */
function held({ router }: TestRouter): number {
  const load = router.registry.workers.reduce((sum, worker) => sum + worker.load, 0);
  return load + router.admission.inFlight + router.admission.queued;
}

for (const [phase, answer, seen] of [
  ['before the first byte', '', /^$/],
  ['in the middle of a stream', STREAM, /data: 1/],
  ['in the middle of a whole answer', PART, /part$/],
] as const) {
  for (const how of ['reset', 'close', 'half-close'] as const) {
    test(`(18) (21) a client that leaves ${phase} by ${how} closes the call to the worker and holds nothing`, async () => {
      const asked = Promise.withResolvers<Socket>();
      await using worker = await recordingWorker((_, socket) => {
        socket.write(answer);
        asked.resolve(socket);
      });
      await using router = await testRouter([worker.url]);
      using client = await rawClient(router.url);
      client.send(POST);
      const upstream = await asked.promise;
      await client.until(seen);
      const closed = once(upstream, 'close');
      if (how === 'reset') client.socket.resetAndDestroy();
      else if (how === 'close') client.socket.destroy();
      else client.socket.end();
      await closed;
      await until(() => held(router) === 0);
    });
  }
}

test('(18) a client that leaves while its request waits for another try is not tried again', async () => {
  await using worker = await recordingWorker((_, socket) => {
    socket.write('HTTP/1.1 503 Busy\r\nretry-after: 1\r\ncontent-length: 0\r\n\r\n');
  });
  await using router = await testRouter([worker.url]);
  using client = await rawClient(router.url);
  client.send(POST);
  await until(() => worker.total === 1);
  client.socket.destroy();
  await until(() => held(router) === 0);
  assert.equal(worker.total, 1);
});

test('(18) a client that leaves while no worker is ready holds nothing', async () => {
  await using router = await testRouter([]);
  using client = await rawClient(router.url);
  client.send(POST);
  await until(() => router.router.admission.queued === 1);
  client.socket.destroy();
  await until(() => held(router) === 0);
});

test('(21) a client that says "no more" before its request is complete is never sent on', async () => {
  await using worker = await recordingWorker();
  await using router = await testRouter([worker.url]);
  using client = await rawClient(router.url);
  client.send(POST.slice(0, -1));
  client.socket.end();
  await client.closed();
  await until(() => held(router) === 0);
  assert.equal(worker.total, 0);
  assert.equal((await fetch(`${router.url}/after`)).status, 200);
});
