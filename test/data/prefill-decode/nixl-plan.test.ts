import assert from 'node:assert/strict';
import type { ServerResponse } from 'node:http';
import { test } from 'node:test';
import { fakeWorker, type Handler } from '../../helpers/fake-worker.ts';
import { pairRouter } from '../../helpers/pair-router.ts';
import { until } from '../../helpers/test-router.ts';

const FLAGS = ['--policy', 'round_robin', '--pd-protocol', 'nixl'];
const WHERE = { remote_engine_id: 'e', remote_block_ids: [1, 2], remote_host: 'p', remote_port: 5600 };

async function server(handler: Handler) {
  const bodies: unknown[] = [];
  const worker = await fakeWorker((request, response, body) => {
    bodies.push(JSON.parse(String(body)));
    handler(request, response, body);
  });
  return Object.assign(worker, { bodies });
}

const json = (response: ServerResponse, status: number, value: unknown) => {
  response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(value));
};
const PREFILLED: Handler = (_, response) => json(response, 200, { choices: [], kv_transfer_params: WHERE });
const DECODED: Handler = (_, response) => json(response, 200, { choices: ['four'] });

const post = (url: string, path: string, body: unknown, signal?: AbortSignal) =>
  fetch(url + path, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(body),
    ...(signal && { signal }),
  });

const CHAT = { messages: [{ role: 'user', content: 'a' }], max_tokens: 9, stream: true, stream_options: {}, seed: 3 };

test('prefill makes one token and says where the cache is; decode gets that with the client’s own body', async () => {
  await using prefill = await server(PREFILLED);
  await using decode = await server(DECODED);
  await using router = await pairRouter([prefill], [decode], FLAGS);
  const answer = await post(router.url, '/v1/chat/completions', CHAT);
  assert.deepEqual(await answer.json(), { choices: ['four'] });
  assert.equal(answer.headers.get('x-sglang-router-prefill-worker'), prefill.url);
  const { stream_options: _, ...asked } = CHAT;
  const transfer = { do_remote_decode: true, do_remote_prefill: false };
  assert.deepEqual(prefill.bodies, [{ ...asked, kv_transfer_params: transfer, max_tokens: 1, stream: false }]);
  assert.deepEqual(decode.bodies, [{ ...CHAT, kv_transfer_params: WHERE }]);
});

test('what prefill refuses is the client’s answer, and decode is not asked', async () => {
  await using prefill = await server((_, response) => json(response, 400, { error: 'too long' }));
  await using decode = await server(DECODED);
  await using router = await pairRouter([prefill], [decode], FLAGS);
  const answer = await post(router.url, '/v1/completions', { prompt: 'a' });
  assert.equal(answer.status, 400);
  assert.deepEqual([await answer.json(), decode.bodies], [{ error: 'too long' }, []]);
});

test('a prefill that fails, or says nothing of its cache, is tried elsewhere; so is a decode', async () => {
  for (const bad of [500, 200]) {
    await using failing = await server((_, response) => json(response, bad, {}));
    await using well = await server(PREFILLED);
    await using broken = await server((_, response) => json(response, 503, {}));
    await using decode = await server(DECODED);
    await using router = await pairRouter([failing, well], [broken, decode], FLAGS);
    const answer = await post(router.url, '/v1/completions', { prompt: 'a' });
    assert.deepEqual([answer.status, await answer.json()], [200, { choices: ['four'] }]);
    assert.ok(failing.bodies.length > 0);
  }
});

test('a client that leaves while decode works ends that call, and nothing stays counted', async () => {
  const gone = Promise.withResolvers<unknown>();
  await using prefill = await server(PREFILLED);
  await using decode = await server((request) => void request.socket.once('close', gone.resolve));
  await using router = await pairRouter([prefill], [decode], FLAGS);
  const left = new AbortController();
  const answer = post(router.url, '/v1/completions', { prompt: 'a' }, left.signal);
  await until(() => decode.bodies.length === 1);
  left.abort();
  await assert.rejects(answer);
  await gone.promise;
  await until(() => router.router.registry.workers.every(({ load }) => load === 0));
});

/** A completion of which `cached` of 100 prompt tokens were cached; what says where the cache lies is as long as a long prompt's. */
const completion = (cached: number, more: object = {}) => ({
  choices: [{ text: 'a "cached_tokens":7' }],
  usage: {
    prompt_tokens: 100,
    total_tokens: 101,
    completion_tokens: 1,
    prompt_tokens_details: { cached_tokens: cached },
  },
  ...more,
});
const BLOCKS = { kv_transfer_params: { ...WHERE, remote_block_ids: Array.from({ length: 2_000 }, (_, id) => id) } };
const SPACED = (value: unknown) => JSON.stringify(value, null, 1);

async function cachedIn(url: string): Promise<string | undefined> {
  const text = await (await fetch(`${url}/metrics`)).text();
  return /^sgl_router_cache_hit_tokens_total\{.*\} (\d+)$/m.exec(text)?.[1];
}

test('cached tokens are those of prefill, for the client and in the metrics; every other byte is decode’s', async () => {
  await using prefill = await server((_, response) => json(response, 200, completion(64, BLOCKS)));
  await using decode = await server((_, response) => {
    response.writeHead(200, { 'content-type': 'application/json' }).end(SPACED(completion(100)));
  });
  await using router = await pairRouter([prefill], [decode], FLAGS);
  const answer = await post(router.url, '/v1/completions', { prompt: 'a' });
  assert.equal(await answer.text(), SPACED(completion(64)));
  assert.equal(await cachedIn(router.url), '64');
});

test('of a stream too, however it is cut', async () => {
  const stream = (cached: number) =>
    `data: {"choices":[{"text":"a"}],"usage":null}\n\ndata: ${JSON.stringify(completion(cached))}\n\ndata: [DONE]\n\n`;
  await using prefill = await server((_, response) => json(response, 200, completion(0, BLOCKS)));
  await using decode = await server((_, response) => {
    response.writeHead(200, { 'content-type': 'text/event-stream' });
    const bytes = stream(100);
    const cut = bytes.indexOf('100}}');
    response.write(bytes.slice(0, cut + 1), () => response.end(bytes.slice(cut + 1)));
  });
  await using router = await pairRouter([prefill], [decode], FLAGS);
  const answer = await post(router.url, '/v1/completions', { prompt: 'a', stream: true });
  assert.equal(await answer.text(), stream(0));
  assert.equal(await cachedIn(router.url), '0');
});

test('a prefill answer may be as long as a body; beyond that it is an error that says so, of nobody’s making', async () => {
  const long = { choices: [{ prompt_logprobs: 'x'.repeat(300 * 1024) }], kv_transfer_params: WHERE };
  await using prefill = await server((_, response) => json(response, 200, long));
  await using decode = await server(DECODED);
  for (const [mostBytes, status] of [
    [400 * 1024, 200],
    [200 * 1024, 502],
  ] as const) {
    await using router = await pairRouter([prefill], [decode], [...FLAGS, '--max-payload-size', String(mostBytes)]);
    const before = prefill.bodies.length;
    const answer = await post(router.url, '/v1/completions', { prompt: 'a' });
    assert.equal(answer.status, status);
    assert.equal(prefill.bodies.length, before + 1);
    const { error } = (await answer.json()) as { error?: { code: string; message: string } };
    if (status === 200) continue;
    assert.equal(error?.code, 'worker_answer_too_large');
    assert.ok(error.message.includes(prefill.url) && error.message.includes('--max-payload-size'), error.message);
    assert.ok(router.router.registry.workers.every(({ failures, load }) => failures === 0 && load === 0));
  }
});
