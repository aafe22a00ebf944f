import assert from 'node:assert/strict';
import type { Socket } from 'node:net';
import { type TestContext, test } from 'node:test';
import { rawClient } from '../helpers/raw-client.ts';
import { type RecordingWorker, type Respond, recordingWorker } from '../helpers/recording-worker.ts';
import { type RouterProcess, spawnRouter } from '../helpers/spawn-router.ts';

const POST = 'POST /generate HTTP/1.1\r\nhost: x\r\ncontent-length: 2\r\n\r\n{}';
const HEAD = 'HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n';
const FIRST = '9\r\ndata: 1\n\n\r\n';
const LAST = '9\r\ndata: 2\n\n\r\n0\r\n\r\n';

/** A router process before one worker; both end with the test. */
async function served(
  t: TestContext,
  respond: Respond,
  flags: readonly string[] = [],
): Promise<{ worker: RecordingWorker; router: RouterProcess }> {
  const worker = await recordingWorker(respond);
  const router = await spawnRouter([...flags, '--worker-urls', worker.url]);
  t.after(async () => {
    await router[Symbol.asyncDispose]();
    await worker.close();
  });
  return { worker, router };
}

test('(33) SIGTERM: readiness 503, what runs finishes, what waits and what comes is answered 503, then exit 0', async (t) => {
  const streams: Socket[] = [];
  const respond: Respond = (_, socket) => {
    socket.write(HEAD + FIRST);
    streams.push(socket);
  };
  const { router } = await served(t, respond, ['--max-concurrent-requests', '1', '--queue-size', '10']);
  using running = await rawClient(router.url);
  running.send(POST);
  await running.until(/data: 1/);
  using waiting = await rawClient(router.url);
  waiting.send(POST);
  // One that waits shows in nothing outside; the next answer on another connection comes after it.
  await fetch(`${router.url}/health`);
  router.child.kill('SIGTERM');
  assert.match(await waiting.until(/\r\n\r\n\{/), /^HTTP\/1\.1 503 [\s\S]*"code":"draining"/);
  const readiness = await fetch(`${router.url}/readiness`);
  assert.equal(readiness.status, 503);
  const late = await fetch(`${router.url}/generate`, { method: 'POST', body: '{}' });
  assert.deepEqual([late.status, late.headers.get('connection')], [503, 'close']);
  assert.equal(((await late.json()) as { error: { code: string } }).error.code, 'draining');
  assert.equal((await fetch(`${router.url}/health`)).status, 200);
  streams[0]!.write(LAST);
  assert.match(await running.until(/0\r\n\r\n$/), /data: 2/);
  assert.deepEqual(await router.exited, { code: 0, signal: null });
  assert.equal(streams.length, 1);
});

test('(33) SIGTERM with nothing to do: exit 0 at once', async (t) => {
  const { router } = await served(t, () => {});
  router.child.kill('SIGTERM');
  assert.deepEqual(await router.exited, { code: 0, signal: null });
});

test('(33) what runs longer than --shutdown-grace-period-secs is cut, told so, and logged', async (t) => {
  const respond: Respond = ({ target }, socket) => {
    if (target === '/generate') socket.write(HEAD + FIRST);
  };
  const { router } = await served(t, respond, ['--shutdown-grace-period-secs', '1']);
  using running = await rawClient(router.url);
  running.send(POST);
  await running.until(/data: 1/);
  using waiting = await rawClient(router.url);
  waiting.send(POST.replace('/generate', '/v1/score'));
  // The next answer on another connection comes after it.
  await fetch(`${router.url}/health`);
  router.child.kill('SIGTERM');
  assert.match(
    await running.closed(),
    /data: 1\n\n\r\n[0-9a-f]+\r\ndata: \{"error":.*"code":"draining".*\r\n0\r\n\r\n$/s,
  );
  assert.match(await waiting.closed(), /^HTTP\/1\.1 503 [\s\S]*"code":"draining"/);
  assert.deepEqual(await router.exited, { code: 0, signal: null });
  const logged = router.lines.filter((line) => / request /.test(line) || /"message":"request"/.test(line));
  assert.equal(logged.filter((line) => line.includes('draining')).length, 2, router.lines.join('\n'));
});

test('(33) a second signal ends it at once', async (t) => {
  const { router } = await served(t, (_, socket) => void socket.write(HEAD + FIRST));
  using running = await rawClient(router.url);
  running.send(POST);
  await running.until(/data: 1/);
  router.child.kill('SIGTERM');
  while ((await fetch(`${router.url}/readiness`)).status !== 503);
  router.child.kill('SIGINT');
  await running.closed();
  assert.deepEqual(await router.exited, { code: 130, signal: null });
});
