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
