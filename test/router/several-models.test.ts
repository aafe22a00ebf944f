import assert from 'node:assert/strict';
import { once } from 'node:events';
import type { ServerResponse } from 'node:http';
import { test } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import { answering, fakeWorker } from '../helpers/fake-worker.ts';
import { type Json, startSim } from '../helpers/sim.ts';
import { type TestRouter, testRouter, until } from '../helpers/test-router.ts';

const WORKER = 'x-sglang-router-worker';

const served = (name: string) => startSim(['--served-model-name', name, '--model-path', `/models/${name}`]);

/** Asks and returns the worker, or the status where there is none. */
async function ask(url: string, model: string | undefined, path = '/v1/completions') {
  const answer = await fetch(url + path, { method: 'POST', body: JSON.stringify({ model, prompt: 'a', text: 'a' }) });
  return answer.headers.get(WORKER) ?? answer;
}

const knows = (router: TestRouter, ...models: string[]) =>
  until(() => models.every((model) => router.router.registry.workers.some(({ modelId }) => modelId === model)));

test('requests go to the workers that serve their model, by name, by path, and with an adapter', async () => {
  await using qwen = await served('qwen');
  await using twin = await served('qwen');
  await using llama = await served('llama');
  await using router = await testRouter([qwen.url, twin.url, llama.url]);
  await knows(router, 'qwen', 'llama');
  await until(() => router.router.registry.workers.every(({ modelId }) => modelId !== 'unknown'));
  for (let i = 0; i < 4; i++) assert.equal(await ask(router.url, 'llama'), llama.url);
  const seen = new Set<unknown>();
  for (let i = 0; i < 4; i++) seen.add(await ask(router.url, 'qwen'));
  assert.deepEqual(seen, new Set([qwen.url, twin.url]));
  assert.equal(await ask(router.url, '/models/llama'), llama.url);
  assert.equal(await ask(router.url, 'llama:an-adapter'), llama.url);
  assert.equal(await ask(router.url, 'llama', '/generate'), llama.url);
  assert.deepEqual(router.records.at(-1)?.model, 'llama');
});

test('a model that nobody serves is 404 with those that are; none at all is 400', async () => {
  await using qwen = await served('qwen');
  await using llama = await served('llama');
  await using router = await testRouter([qwen.url, llama.url]);
  await knows(router, 'qwen', 'llama');
  const unknown = (await ask(router.url, 'gpt-4')) as Response;
  assert.equal(unknown.status, 404);
  assert.equal(unknown.headers.get('x-smg-error-code'), 'model_not_found');
  const { error } = (await unknown.json()) as Json;
  assert.deepEqual([error.code, error.param, error.models], ['model_not_found', 'model', ['qwen', 'llama']]);
  assert.match(error.message, /gpt-4 is not served; there are: qwen, llama/);
  const long = (await ask(router.url, 'x'.repeat(100_000))) as Response;
  assert.ok((await long.text()).length < 1_000, 'a name of any length is not sent back whole');
  const none = (await ask(router.url, undefined)) as Response;
  assert.equal(none.status, 400);
  assert.match(((await none.json()) as Json).error.message, /qwen, llama/);
  assert.equal((await fetch(`${router.url}/ping`)).status, 200, 'what is for no model goes to anybody');
});

test('with one model a request may call it what it will, as with a server alone', async () => {
  await using one = await served('qwen');
  await using two = await served('qwen');
  await using router = await testRouter([one.url, two.url]);
  await knows(router, 'qwen');
  assert.ok([one.url, two.url].includes((await ask(router.url, 'gpt-4')) as string));
  assert.ok([one.url, two.url].includes((await ask(router.url, undefined)) as string));
});

test('requests for a model whose only worker went away wait for it, in nobody’s place', async () => {
  await using qwen = await served('qwen');
  const llama = await served('llama');
  await using router = await testRouter([qwen.url, llama.url], ['--max-concurrent-requests', '1']);
  const { registry, admission } = router.router;
  await knows(router, 'qwen', 'llama');
  await llama[Symbol.asyncDispose]();
  const waiting = ask(router.url, 'llama');
  await until(() => registry.available().length === 1 && admission.inFlight === 0);
  assert.equal(await ask(router.url, 'qwen'), qwen.url);
  await using _back = await startSim(['--served-model-name', 'llama', '--port', new URL(llama.url).port]);
  assert.equal(await waiting, llama.url);
});

test('who waits for a worker of its model gets the first place that is free once there is one', async () => {
  const held: ServerResponse[] = [];
  const facts = (name: string) => ({ '/server_info': JSON.stringify({ served_model_name: name }) });
  await using a = await fakeWorker((_, response) => void held.push(response), 0, facts('a'));
  const b = await fakeWorker(answering('b'), 0, facts('b'));
  await using router = await testRouter([a.url, b.url], ['--max-concurrent-requests', '1']);
  const { registry, admission } = router.router;
  await knows(router, 'a', 'b');
  await b.close();
  const waiting = ask(router.url, 'b');
  await until(() => registry.available().length === 1 && admission.inFlight === 0);
  const running = ask(router.url, 'a');
  await until(() => held.length === 1);
  const learned = once(registry, 'learned');
  await using _back = await fakeWorker(answering('b'), b.port, facts('b'));
  await learned;
  held[0]?.end('a');
  assert.deepEqual(await Promise.all([running, waiting]), [a.url, b.url]);
});

test('a model whose workers stay down is 503, and nobody else is asked for it', async () => {
  await using qwen = await served('qwen');
  const llama = await served('llama');
  await using router = await testRouter([qwen.url, llama.url], [], { queueTimeoutMs: 30 });
  await knows(router, 'qwen', 'llama');
  await llama[Symbol.asyncDispose]();
  const refused = (await ask(router.url, 'llama')) as Response;
  assert.equal(refused.status, 503);
  assert.match(((await refused.json()) as Json).error.message, /no worker with model llama is ready/);
  assert.equal(await ask(router.url, 'qwen'), qwen.url);
});

test('the last model but one that goes makes names free again', async () => {
  await using qwen = await served('qwen');
  await using llama = await served('llama');
  await using router = await testRouter([qwen.url, llama.url]);
  await knows(router, 'qwen', 'llama');
  await router.router.registry.remove(llama.url);
  assert.equal(await ask(router.url, 'llama'), qwen.url);
});

test('a worker without server info is known by the models that it lists', async () => {
  await using qwen = await served('qwen');
  const list = JSON.stringify({ object: 'list', data: [{ id: 'vllm-model' }, { id: 'its-adapter' }] });
  await using vllm = await fakeWorker(answering('{}'), 0, { '/v1/models': list });
  await using router = await testRouter([qwen.url, vllm.url]);
  await knows(router, 'qwen', 'vllm-model');
  for (let i = 0; i < 3; i++) {
    assert.equal(await ask(router.url, 'vllm-model'), vllm.url);
    assert.equal(await ask(router.url, 'its-adapter'), vllm.url);
    assert.equal(await ask(router.url, 'qwen'), qwen.url);
  }
});

test('one whose server info wants another key is known by the models that it lists', async () => {
  await using qwen = await served('qwen');
  await using guarded = await fakeWorker(answering('{}'));
  guarded.server.removeAllListeners('request').on('request', ({ url = '' }, response) => {
    if (url === '/v1/models') response.end('{"data":[{"id":"guarded"}]}');
    else response.writeHead(/_info$/.test(url) ? 401 : 200).end('{}');
  });
  await using router = await testRouter([qwen.url, guarded.url]);
  await knows(router, 'qwen', 'guarded');
  assert.equal(await ask(router.url, 'guarded'), guarded.url);
});

test('where models differ, one that tells none gets nothing and /readiness says why', async () => {
  await using qwen = await served('qwen');
  await using llama = await served('llama');
  await using silent = await fakeWorker(answering('{}'));
  await using router = await testRouter([qwen.url, llama.url, silent.url]);
  await knows(router, 'qwen', 'llama');
  await until(() => router.router.registry.get(silent.url)?.facts.modelProblem !== undefined);
  for (const model of ['qwen', 'llama']) for (let i = 0; i < 3; i++) await ask(router.url, model);
  assert.deepEqual(silent.seen, []);
  const { waiting } = (await (await fetch(`${router.url}/readiness`)).json()) as Json;
  assert.equal(waiting.length, 1);
  assert.equal(waiting[0].url, silent.url);
  assert.match(waiting[0].problem, /its model is not known \(\/server_info answered 404.*\/v1\/models answered 404\)/);
});

test('the model of a form is read from its part', async () => {
  await using qwen = await served('qwen');
  await using whisper = await fakeWorker(answering('{}'), 0, { '/server_info': '{"served_model_name":"whisper"}' });
  await using router = await testRouter([qwen.url, whisper.url]);
  await knows(router, 'qwen', 'whisper');
  const send = (model: string | undefined, path = '/v1/audio/transcriptions') => {
    const form = new FormData();
    form.set('file', new Blob([Buffer.alloc(3_000_000, 7)]), 'a.wav');
    if (model !== undefined) form.set('model', model);
    return fetch(router.url + path, { method: 'POST', body: form });
  };
  for (let i = 0; i < 3; i++) assert.equal((await send('whisper')).headers.get(WORKER), whisper.url);
  assert.equal((await send('whisper', '/v1/images/edits')).headers.get(WORKER), whisper.url);
  assert.deepEqual([(await send('other')).status, (await send(undefined)).status], [404, 400]);
});

test('what depends on the model without running it needs one of several as well', async () => {
  await using qwen = await served('qwen');
  await using llama = await served('llama');
  await using router = await testRouter([qwen.url, llama.url]);
  await knows(router, 'qwen', 'llama');
  for (const path of ['/tokenize', '/v1/detokenize', '/v1/messages/count_tokens', '/v1/audio/speech']) {
    for (let i = 0; i < 2; i++) assert.equal(await ask(router.url, 'llama', path), llama.url, path);
    const unknown = (await ask(router.url, 'gpt-4', path)) as Response;
    const none = (await ask(router.url, undefined, path)) as Response;
    assert.deepEqual([unknown.status, none.status], [404, 400], path);
  }
});

test('a worker that does not tell its model serves none of several, unless it is named for it', async () => {
  await using qwen = await served('qwen');
  await using llama = await served('llama');
  await using silent = await fakeWorker(answering('{}'));
  await using router = await testRouter([qwen.url, llama.url, silent.url]);
  await knows(router, 'qwen', 'llama');
  for (let i = 0; i < 3; i++) assert.equal(await ask(router.url, 'qwen'), qwen.url);
  await router.router.registry.remove(silent.url);
  const body = JSON.stringify({ url: silent.url, model_id: 'mine' });
  await fetch(`${router.url}/workers`, { method: 'POST', body });
  while (router.router.registry.available().length < 3) await delay(1);
  assert.equal(await ask(router.url, 'mine'), silent.url);
});
