import assert from 'node:assert/strict';
import { test } from 'node:test';
import { answering, fakeWorker } from '../helpers/fake-worker.ts';
import { startSim } from '../helpers/sim.ts';
import { testRouter, until } from '../helpers/test-router.ts';

const CACHE_AWARE = { policy: 'cache_aware' } as const;
const LONG = 'the same words at the beginning of every prompt '.repeat(100);

function generate(url: string, body: unknown, headers: Record<string, string> = {}): Promise<Response> {
  const text = typeof body === 'string' ? body : JSON.stringify(body);
  return fetch(`${url}/generate`, { method: 'POST', body: text, headers });
}

test('a repeated prefix meets its worker, and the engine confirms what was predicted', async () => {
  await using a = await startSim();
  await using b = await startSim();
  await using router = await testRouter([a.url, b.url], [], CACHE_AWARE);
  const workers: (string | null)[] = [];
  for (const question of ['one', 'two', 'three']) {
    const answer = await generate(router.url, { text: `${LONG}${question}`, sampling_params: { max_new_tokens: 4 } });
    const { meta_info } = (await answer.json()) as { meta_info: { cached_tokens: number; prompt_tokens: number } };
    const predicted = Number(answer.headers.get('x-sglang-router-matched')) / (LONG.length + question.length + 2);
    assert.ok(Math.abs(predicted - meta_info.cached_tokens / meta_info.prompt_tokens) < 0.1);
    assert.equal(answer.headers.get('x-sglang-router-policy'), 'cache_aware');
    workers.push(answer.headers.get('x-sglang-router-worker'));
  }
  assert.equal(new Set(workers).size, 1);
  assert.ok(workers[0] === a.url || workers[0] === b.url);
});

test('the scores of every candidate come on request, and only then', async () => {
  await using a = await fakeWorker(answering('ok'));
  await using b = await fakeWorker(answering('ok'));
  await using router = await testRouter([a.url, b.url], [], CACHE_AWARE);
  const explained = await generate(router.url, { text: LONG }, { 'x-sglang-router-explain': '1' });
  const explanation = JSON.parse(explained.headers.get('x-sglang-router-explain') ?? '');
  assert.equal(explanation.reason, 'free_cache');
  assert.deepEqual(explanation.scores.map(({ worker }: { worker: string }) => worker).sort(), [a.url, b.url].sort());
  assert.equal((await generate(router.url, { text: LONG })).headers.get('x-sglang-router-explain'), null);
  const line = router.lines.find((text) => text.includes('worker chosen'));
  assert.match(line ?? '', /policy=cache_aware reason=free_cache matchedBytes=0 scores=/);
});

test('a body that is no JSON is passed on as it came', async () => {
  await using worker = await fakeWorker((_request, response, body) => void response.end(body));
  await using router = await testRouter([worker.url], [], CACHE_AWARE);
  for (const body of ['{"text":"no end', 'text=hello', '\u0000\u0001']) {
    assert.equal(await (await generate(router.url, body)).text(), body);
  }
});

test('a worker that does not tell the size of its cache is used, and named in the log', async () => {
  await using worker = await fakeWorker((request, response) => {
    response.statusCode = request.url === '/generate' ? 200 : 404;
    response.end('ok');
  });
  await using router = await testRouter([worker.url], [], CACHE_AWARE);
  const told = () => router.lines.filter((line) => line.includes('does not tell the size of its KV cache'));
  await until(() => told().length > 0);
  assert.match(told()[0] ?? '', /server_info answered 404/);
  assert.equal((await generate(router.url, { text: 'hello' })).status, 200);
  assert.equal(told().length, 1);
});

test('what an engine can hold is learned from it', async () => {
  await using worker = await startSim(['--max-total-tokens', '2048']);
  await using router = await testRouter([worker.url], [], CACHE_AWARE);
  const freeBlocks = async () => {
    const answer = await generate(router.url, {}, { 'x-sglang-router-explain': '1' });
    return JSON.parse(answer.headers.get('x-sglang-router-explain') ?? '').scores[0].freeBlocks as number;
  };
  while ((await freeBlocks()) > 2048) await new Promise((resolve) => setTimeout(resolve, 1));
  // 2,048 tokens of 4 bytes in blocks of 256, and the little that the index holds beyond them.
  assert.equal(await freeBlocks(), 36);
});

test('a worker that was removed and added again has lost its prefixes', async () => {
  await using worker = await startSim();
  await using router = await testRouter([worker.url], [], CACHE_AWARE);
  const matched = async () =>
    Number((await generate(router.url, { text: LONG })).headers.get('x-sglang-router-matched'));
  assert.equal(await matched(), 0);
  assert.ok((await matched()) > 4000);
  await router.router.registry.remove(worker.url);
  router.router.registry.add({ url: worker.url });
  await until(() => router.router.registry.available().length === 1);
  assert.equal(await matched(), 0);
});
