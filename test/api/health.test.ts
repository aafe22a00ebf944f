import assert from 'node:assert/strict';
import { test } from 'node:test';
import { answering, fakeWorker } from '../helpers/fake-worker.ts';
import { type Json, startSim } from '../helpers/sim.ts';
import { startingWorker } from '../helpers/starting-worker.ts';
import { type TestRouter, testRouter, until } from '../helpers/test-router.ts';

const readinessOf = async ({ url }: TestRouter) => (await fetch(`${url}/readiness`)).json() as Promise<Json>;

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
    available_workers: 0,
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
  assert.deepEqual(await readinessOf(router), {
    status: 'degraded',
    healthy_workers: 1,
    available_workers: 0,
    total_workers: 1,
    waiting: [{ url: worker.url, reason: 'breaker', problem }],
  });
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

test('degraded is a router whose workers do not all get requests, with the reason for each; it serves all the same', async () => {
  await using fakes = new AsyncDisposableStack();
  const start = async () =>
    fakes.use(
      await fakeWorker(({ url }, response) => void response.writeHead(url === '/generate' ? 404 : 200).end('{}')),
    );
  const [bad, broken, lost] = [await start(), await start(), await start()];
  const well = fakes.use(await fakeWorker(answering('{}')));
  await using router = await testRouter([bad.url, broken.url, lost.url, well.url]);
  assert.equal((await readinessOf(router)).status, 'ready');
  const [, second, third] = router.router.registry.workers;
  second?.breaker.trip('test');
  third?.becomeUnhealthy('/health answered 500');
  const ask = () => fetch(`${router.url}/generate`, { method: 'POST', body: '{}' });
  while (router.router.registry.workers[0]?.problem === undefined) await ask();
  const { status, available_workers, healthy_workers, waiting } = await readinessOf(router);
  assert.deepEqual([status, available_workers, healthy_workers], ['degraded', 1, 3]);
  assert.deepEqual(
    waiting.map(({ url, reason }: Json) => [url, reason]),
    [
      [bad.url, 'errors'],
      [broken.url, 'breaker'],
      [lost.url, 'unhealthy'],
    ],
  );
  assert.equal((await ask()).status, 200);
});

test('a worker whose model is not known while others serve several is told of', async () => {
  await using qwen = await startSim(['--served-model-name', 'qwen']);
  await using llama = await startSim(['--served-model-name', 'llama']);
  await using silent = await fakeWorker(answering('{}'));
  await using router = await testRouter([qwen.url, llama.url, silent.url]);
  await until(() => router.router.registry.workers.filter(({ modelId }) => modelId !== 'unknown').length === 2);
  const { status, waiting } = await readinessOf(router);
  assert.deepEqual(
    [status, waiting.length, waiting[0]?.url, waiting[0]?.reason],
    ['degraded', 1, silent.url, 'unknown_model'],
  );
  assert.match(waiting[0]?.problem ?? '', /others serve several \(qwen, llama\): name it \(model_id\)/);
});

for (const [role, mode, problem] of [
  ['prefill', 'null', 'given as a prefill server, but its disaggregation_mode is null: expected prefill'],
  ['decode', 'prefill', 'given as a decode server, but its disaggregation_mode is prefill: expected decode'],
  ['regular', 'decode', 'given as a worker for whole requests, but its disaggregation_mode is decode: expected null'],
] as const) {
  test(`a ${mode} server given as ${role} is warned of, in the log and by the API`, async () => {
    await using engine = await startSim(['--disaggregation-mode', mode, '--disaggregation-bootstrap-port', '0']);
    await using router = await testRouter([]);
    router.router.registry.add({ url: engine.url, role, bootstrapPort: 9_000 });
    await until(() => router.lines.some((line) => line.includes(problem)));
    assert.deepEqual((await readinessOf(router)).warnings, [{ url: engine.url, warning: problem }]);
    const { workers } = (await (await fetch(`${router.url}/workers`)).json()) as Json;
    assert.equal(workers[0]?.warning, problem);
  });
}
