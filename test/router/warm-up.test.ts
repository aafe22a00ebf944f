import assert from 'node:assert/strict';
import { readdirSync, readlinkSync } from 'node:fs';
import type { ServerResponse } from 'node:http';
import { test } from 'node:test';
import { resolveRouter } from '../../src/config/resolve.ts';
import { createLog } from '../../src/observe/log/log.ts';
import type { Router } from '../../src/router/router.ts';
import { warmUpBeside } from '../../src/router/warm-up.ts';
import { answering, fakeWorker } from '../helpers/fake-worker.ts';
import { testRouter, until } from '../helpers/test-router.ts';

/** Warms up beside the router, and returns the lines that it logged. */
async function warmUp(router: Router, flags: readonly string[] = []): Promise<string> {
  const { config } = await resolveRouter(['--data-threads', '1', ...flags], {});
  const lines: string[] = [];
  const log = createLog('debug', (line) => lines.push(line));
  await warmUpBeside(router, config, log);
  return lines.join('\n');
}

/** Sends a request; resolves when a worker has it, with what will be its answer's text. */
async function ask(url: string, held: readonly ServerResponse[]): Promise<{ text(): Promise<string> }> {
  const answer = fetch(`${url}/generate`, { method: 'POST', body: '{"text":"a"}' });
  await until(() => held.length === 1);
  return { text: async () => (await answer).text() };
}

/** Sockets and servers that keep the process. */
function openHandles(): string[] {
  return process.getActiveResourcesInfo().filter((kind) => /TCP/.test(kind));
}

/** Sockets of all threads of the process. */
function openSockets(): number {
  const targets = readdirSync('/proc/self/fd').map((fd) => {
    try {
      return readlinkSync(`/proc/self/fd/${fd}`);
    } catch {
      return 'closed meanwhile';
    }
  });
  return targets.filter((target) => target.startsWith('socket:')).length;
}

test('a warm-up sends thousands of requests of which the router itself knows nothing, and leaves nothing open', async () => {
  await using worker = await fakeWorker(answering('ok'));
  await using router = await testRouter([worker.url]);
  const before = openHandles().length;
  assert.match(await warmUp(router.router), /warmed up.*requests=4000/);
  assert.equal(router.records.length, 0);
  assert.equal(router.router.registry.workers.length, 1);
  await until(() => openHandles().length <= before);
  const answer = await fetch(`${router.url}/generate`, { method: 'POST', body: '{"text":"a"}' });
  assert.equal(await answer.text(), 'ok');
});

const NEEDS_PROC = { skip: process.platform !== 'linux' && 'counts sockets in /proc' };

test('data threads warm up too, and nothing of it stays open in them', NEEDS_PROC, async () => {
  await using worker = await fakeWorker(answering('ok'));
  await using router = await testRouter([worker.url], [], { dataThreads: 3 });
  const before = openSockets();
  assert.match(await warmUp(router.router, ['--data-threads', '3']), /warmed up.*requests=[1-9]/);
  assert.equal(router.records.length, 0);
  await until(() => openSockets() <= before);
  for (let i = 0; i < 9; i++) {
    const answer = await fetch(`${router.url}/generate`, { method: 'POST', body: '{"text":"a"}' });
    assert.equal(await answer.text(), 'ok');
  }
});

test('keys, TLS, prefill and decode servers and limits of the router do not hold the warm-up up', async () => {
  await using worker = await fakeWorker(answering('ok'));
  await using router = await testRouter([worker.url]);
  const limits = ['--api-key', 'secret', '--rate-limit-tokens-per-second', '1', '--max-concurrent-requests', '1'];
  const checks = ['--policy', 'manual', '--health-check-endpoint', '/elsewhere', '--dp-aware'];
  const pair = ['--pd-disaggregation', '--prefill', 'http://127.0.0.1:1', '--decode', 'http://127.0.0.1:2'];
  assert.match(await warmUp(router.router, [...limits, ...checks]), /warmed up.*requests=4000/);
  assert.match(await warmUp(router.router, pair), /warmed up.*requests=4000/);
});

test('it sends nothing while a request is served, and ends with the router', async () => {
  const held: ServerResponse[] = [];
  await using worker = await fakeWorker((_, response) => void held.push(response));
  await using router = await testRouter([worker.url]);
  const answer = await ask(router.url, held);
  const lines = warmUp(router.router);
  const drained = router.router.drain(10_000);
  assert.match(await lines, /warmed up.*requests=0/);
  held[0]?.end('ok');
  assert.equal(await answer.text(), 'ok');
  assert.equal(await drained, 0);
});

test('it begins when the router is idle', async () => {
  const held: ServerResponse[] = [];
  await using worker = await fakeWorker((_, response) => void held.push(response));
  await using router = await testRouter([worker.url]);
  const answer = await ask(router.url, held);
  const lines = warmUp(router.router);
  held[0]?.end('ok');
  assert.equal(await answer.text(), 'ok');
  assert.match(await lines, /warmed up.*requests=4000/);
});

test('--disable-warm-up does without', async () => {
  await using worker = await fakeWorker(answering('ok'));
  await using router = await testRouter([worker.url]);
  assert.equal(await warmUp(router.router, ['--disable-warm-up']), '');
});
