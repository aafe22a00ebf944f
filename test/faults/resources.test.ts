import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import type { Socket } from 'node:net';
import { type TestContext, test } from 'node:test';
import { rawClient } from '../helpers/raw-client.ts';
import { ok, recordingWorker } from '../helpers/recording-worker.ts';
import { freePort, ROUTER_COMMAND, spawnRouter } from '../helpers/spawn-router.ts';
import { until } from '../helpers/test-router.ts';

const INJECT = new URL('../fixtures/inject-faults.ts', import.meta.url).href;
const POST = 'POST /generate HTTP/1.1\r\nhost: x\r\ncontent-length: 2\r\n\r\n{}';
const HEAD = 'HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n';
const event = (text: string) => `${(text.length + 8).toString(16)}\r\ndata: ${text}\n\n\r\n`;

const post = (url: string) => fetch(`${url}/generate`, { method: 'POST', body: '{}' });

/** A worker that answers `/generate` at once and begins a stream on `/stream`. */
async function streamingWorker(t: TestContext) {
  const streams: Socket[] = [];
  const worker = await recordingWorker(({ target }, socket) => {
    if (target !== '/stream') return void socket.write(ok('fine'));
    socket.write(HEAD + event('first'));
    streams.push(socket);
  });
  t.after(() => worker.close());
  return { worker, streams };
}

/** Runs the router by a shell command in which `$ROUTER` stands for it; resolves when it serves. */
async function shellRouter(
  t: TestContext,
  command: string,
  workerUrl: string,
): Promise<{ url: string; child: ChildProcess }> {
  const port = await freePort();
  const flags = ['--port', port, '--worker-urls', workerUrl, '--policy', 'round_robin', '--log-level', 'debug'];
  const ROUTER = [...ROUTER_COMMAND, ...flags].join(' ');
  const child = spawn('bash', ['-c', `exec ${command.replace('$ROUTER', ROUTER)}`], {
    stdio: ['pipe', 'pipe', 'pipe'],
  });
  t.after(() => void child.kill('SIGKILL'));
  const url = `http://127.0.0.1:${port}`;
  while (!(await fetch(`${url}/readiness`).catch(() => undefined))?.ok) {
    assert.equal(child.exitCode, null, 'the router ended');
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
  return { url, child };
}

test('(39) out of descriptors: streams run on, and it serves again when some are free', async (t) => {
  const { worker, streams } = await streamingWorker(t);
  const { url, child } = await shellRouter(t, 'prlimit --nofile=256:256 $ROUTER', worker.url);
  using running = await rawClient(url);
  running.send(POST.replace('/generate', '/stream'));
  await running.until(/data: first/);
  const crowd = await Promise.all(Array.from({ length: 400 }, () => rawClient(url)));
  for (const client of crowd) client.send(POST);
  await Promise.any(crowd.map((client) => client.until(/^HTTP\/1\.1 \d{3} /)));
  streams[0]!.write(`${event('second')}`);
  await running.until(/data: second/);
  for (const client of crowd) client.socket.destroy();
  let answer: Response | undefined;
  while (answer?.status !== 200) answer = await post(url).catch(() => undefined);
  streams[0]!.write('0\r\n\r\n');
  await running.until(/0\r\n\r\n$/);
  assert.equal(child.exitCode, null);
});

for (const fault of ['unhandled rejection', 'uncaught exception', 'clock back', 'clock forth']) {
  const number = fault.startsWith('clock') ? 41 : 40;
  test(`(${number}) ${fault}: running streams finish and new requests are served`, async (t) => {
    const { worker, streams } = await streamingWorker(t);
    const env = { FAULT: fault, NODE_OPTIONS: `--import=${INJECT}` };
    const flags = [
      '--port',
      String(await freePort()),
      '--health-check-interval-secs',
      '1',
      '--worker-urls',
      worker.url,
    ];
    await using router = await spawnRouter(flags, env);
    using running = await rawClient(router.url);
    running.send(POST.replace('/generate', '/stream'));
    await running.until(/data: first/);
    for (let i = 0; i < 3; i++) {
      router.child.kill('SIGUSR2');
      assert.equal(await (await post(router.url)).text(), 'fine');
    }
    if (number === 40) await until(() => router.lines.some((line) => line.includes('injected')));
    streams[0]!.write(`${event('last')}0\r\n\r\n`);
    await running.until(/data: last[\s\S]*0\r\n\r\n$/);
    assert.equal(await (await post(router.url)).text(), 'fine');
    assert.equal((await fetch(`${router.url}/readiness`)).status, 200);
    assert.equal(router.child.exitCode, null);
  });
}

test('(42) a full disk under its log: it serves on', async (t) => {
  const { worker } = await streamingWorker(t);
  const { url, child } = await shellRouter(t, '$ROUTER > /dev/full 2> /dev/full', worker.url);
  for (let i = 0; i < 50; i++) assert.equal(await (await post(url)).text(), 'fine');
  assert.equal(child.exitCode, null);
});

test('(42) the reader of its log is gone: it serves on', async (t) => {
  const { worker } = await streamingWorker(t);
  const { url, child } = await shellRouter(t, '$ROUTER', worker.url);
  child.stdout!.destroy();
  child.stderr!.destroy();
  for (let i = 0; i < 50; i++) assert.equal(await (await post(url)).text(), 'fine');
  assert.equal(child.exitCode, null);
});
