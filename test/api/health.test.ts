import assert from 'node:assert/strict';
import { test } from 'node:test';
import { answering, fakeWorker } from '../helpers/fake-worker.ts';
import { startingWorker } from '../helpers/starting-worker.ts';
import { testRouter, until } from '../helpers/test-router.ts';

test('readiness names the workers that wait, and why', async () => {
  await using worker = await startingWorker();
  await using router = await testRouter([]);
  router.router.registry.add({ url: worker.url });
  await until(() => router.router.registry.workers[0]?.problem?.includes('503') ?? false);
  const answer = await fetch(`${router.url}/readiness`);
  const { waiting, ...rest } = (await answer.json()) as { waiting: { url: string; problem: string }[] };
  assert.equal(answer.status, 503);
  assert.deepEqual(rest, {
    status: 'not ready',
    reason: 'insufficient healthy workers',
    healthy_workers: 0,
    total_workers: 1,
  });
  assert.equal(waiting[0]?.url, worker.url);
  assert.match(waiting[0]?.problem ?? '', /503/);
});

test('an open circuit breaker does not make the router unready, but is told', async () => {
  await using worker = await fakeWorker(answering(''));
  await using router = await testRouter([worker.url]);
  router.router.registry.workers[0]?.breaker.trip('test');
  const problem = 'taken out by the circuit breaker: test';
  const { waiting } = (await (await fetch(`${router.url}/readiness`)).json()) as { waiting: unknown };
  assert.deepEqual(waiting, [{ url: worker.url, problem }]);
  const { workers } = (await (await fetch(`${router.url}/workers`)).json()) as { workers: Record<string, unknown>[] };
  assert.deepEqual([workers[0]?.is_healthy, workers[0]?.problem], [true, problem]);
  assert.equal(router.router.registry.available().length, 0);
  for (const path of ['/readiness', '/health_generate']) {
    assert.equal((await fetch(router.url + path)).status, 200, path);
  }
});

test('prefill servers alone do not make a router ready that has none for whole requests', async () => {
  await using worker = await fakeWorker(answering(''));
  await using router = await testRouter([]);
  router.router.registry.add({ url: worker.url, role: 'prefill' });
  await until(() => router.router.registry.available('prefill').length === 1);
  assert.equal((await fetch(`${router.url}/readiness`)).status, 503);
});
