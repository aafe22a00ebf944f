import assert from 'node:assert/strict';
import { mock, test } from 'node:test';
import { PromptLogprobs } from '../../src/data/prefill-decode/logprobs.ts';
import type { Worker } from '../../src/fleet/worker.ts';
import type { Router } from '../../src/router/router.ts';
import { CacheAwarePolicy } from '../../src/scheduler/policies/cache-aware.ts';
import { answering, fakeWorker } from '../helpers/fake-worker.ts';
import { pairRouter } from '../helpers/pair-router.ts';
import { DATA_THREADS, testRouter, until } from '../helpers/test-router.ts';

const boom = (): never => {
  throw new TypeError('boom');
};

/** Makes a property of a target throw when it is read; `delete` of it undoes that. */
const explode = (target: object, name: string) =>
  Object.defineProperty(target, name, { get: boom, configurable: true });

const post = (url: string, body: unknown = { text: 'a' }) =>
  fetch(`${url}/generate`, { method: 'POST', body: JSON.stringify(body), signal: AbortSignal.timeout(30_000) });

const targetOf = (worker: Worker | undefined) => worker?.targets[0] as object;

/** Nothing of any request is held any more, anywhere. */
async function rested({ registry, admission }: Router): Promise<void> {
  await until(() => admission.inFlight === 0);
  await until(() => registry.workers.every(({ load, waiting }) => load === 0 && waiting.length === 0));
}

for (const [where, name] of [
  ['before the body is made', 'rank'],
  ['before the call is made', 'basePath'],
  ['as the call is made', 'client'],
] as const) {
  // A data thread has connections of its own, out of this test's reach.
  const skip = name === 'client' && DATA_THREADS > 1;
  test(`an exception ${where}: 500, and everything is given back`, { skip }, async () => {
    await using worker = await fakeWorker(answering('ok'));
    await using router = await testRouter([worker.url], ['--disable-retries']);
    const target = targetOf(router.router.registry.workers[0]) as Record<string, unknown>;
    const { [name]: value } = target;
    if (name === 'client') Object.defineProperty(target, name, { value: { dispatch: boom }, configurable: true });
    else explode(target, name);
    const { status } = await post(router.url);
    assert.ok(status >= 500, String(status));
    await rested(router.router);
    Object.defineProperty(target, name, { value, configurable: true });
    assert.equal((await post(router.url)).status, 200);
    await rested(router.router);
  });
}

for (const [what, role, name] of [
  ['choosing decode', 'decode', 'slot'],
  ['bringing both together', 'prefill', 'bootstrapHost'],
] as const) {
  test(`an exception when ${what}: nothing that was chosen stays counted`, async () => {
    await using prefill = await fakeWorker(answering('{}'));
    await using decode = await fakeWorker(answering('{}'));
    await using router = await pairRouter([prefill], [decode]);
    const { registry } = router.router;
    const target = targetOf(registry.workers.find((worker) => worker.role === role)) as Record<string, unknown>;
    const { [name]: value } = target;
    explode(target, name);
    assert.equal((await post(router.url)).status, 500);
    Object.defineProperty(target, name, { value, configurable: true });
    await rested(router.router);
    assert.deepEqual([prefill.seen, decode.seen], [[], []]);
    assert.equal((await post(router.url)).status, 200);
  });
}

const WITH_LOGPROBS = { text: 'a', return_logprob: true, logprob_start_len: 0 };
const ANSWER = JSON.stringify({ text: 'b', meta_info: { input_token_logprobs: [[-1, 5, null]] } });

for (const [what, method, decodeFirst] of [
  ['the prompt’s logprobs are read', 'learn', false],
  ['they are put into an answer that waits', 'merge', true],
  ['they are put into an answer that ends', 'merge', false],
] as const) {
  test(`an exception when ${what}: the client hears of it at once, and both servers are free`, async (t) => {
    const decoded = Promise.withResolvers<void>();
    await using prefill = await fakeWorker((_, response) => {
      void (decodeFirst ? decoded.promise : Promise.resolve()).then(() => response.end(ANSWER));
    });
    await using decode = await fakeWorker((_, response) => void respond(() => response.end(ANSWER)));
    await using router = await pairRouter([prefill], [decode], ['--policy', 'round_robin', '--disable-retries']);
    const loadOf = (url: string) => router.router.registry.workers.find((worker) => worker.url === url)?.load;
    const respond = async (end: () => void) => {
      if (!decodeFirst) await until(() => prefill.seen.length > 0 && loadOf(prefill.url) === 0);
      end();
      if (decodeFirst) await until(() => loadOf(decode.url) === 0);
      decoded.resolve();
    };
    t.mock.method(PromptLogprobs.prototype, method, boom);
    const { status } = await post(router.url, WITH_LOGPROBS);
    assert.ok(status >= 500, String(status));
    await until(() => router.router.registry.workers.every(({ load }) => load === 0));
    await rested(router.router);
  });
}

test('an exception when the policy hears of the end: the client has its answer, and the router can still drain', async () => {
  await using worker = await fakeWorker(answering('ok'));
  await using router = await testRouter([worker.url], [], { policy: 'cache_aware' });
  const settled = mock.method(CacheAwarePolicy.prototype, 'settled', boom);
  try {
    assert.equal(await (await post(router.url)).text(), 'ok');
    await rested(router.router);
  } finally {
    settled.mock.restore();
  }
  assert.equal(await router.router.drain(30_000), 0);
  assert.equal(router.records.length, 1);
});
