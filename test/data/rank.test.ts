import assert from 'node:assert/strict';
import { test } from 'node:test';
import { fakeWorker } from '../helpers/fake-worker.ts';
import { type Json, startSim } from '../helpers/sim.ts';
import { type TestRouter, testRouter, until } from '../helpers/test-router.ts';

interface Seen {
  readonly url: string | undefined;
  readonly rank: string | undefined;
  readonly body: string;
}

/** A router over the ranks of a server that answers `ok`, and what that server got. */
async function routed(dpSize = 2) {
  const seen: Seen[] = [];
  const worker = await fakeWorker(
    ({ url, headers }, response, body) => {
      seen.push({ url, rank: headers['x-data-parallel-rank'] as string | undefined, body: body.toString() });
      response.end('ok');
    },
    0,
    { '/server_info': JSON.stringify({ dp_size: dpSize }) },
  );
  const router = await testRouter([worker.url], ['--dp-aware']);
  await until(() => router.router.registry.available().length === dpSize);
  return {
    seen,
    worker,
    router,
    send: (body: string, headers = {}, path = '/generate') =>
      fetch(router.url + path, { method: 'POST', body, headers }),
    [Symbol.asyncDispose]: async () => {
      await router[Symbol.asyncDispose]();
      await worker[Symbol.asyncDispose]();
    },
  };
}

test('a rank is named in the body and in a header; the URL that is called has none', async () => {
  await using r = await routed();
  const answers = [await r.send('{"text":"a"}'), await r.send('{"text":"b"}')];
  assert.deepEqual(r.seen, [
    { url: '/generate', rank: '0', body: '{"routed_dp_rank":0,"data_parallel_rank":0,"text":"a"}' },
    { url: '/generate', rank: '1', body: '{"routed_dp_rank":1,"data_parallel_rank":1,"text":"b"}' },
  ]);
  assert.deepEqual(
    answers.map(({ headers }) => headers.get('x-sglang-router-worker')),
    [`${r.worker.url}@0`, `${r.worker.url}@1`],
  );
});

test("the client's own choice of a rank does not reach the server", async () => {
  await using r = await routed();
  const body = '{"data_parallel_rank": 7, "text":"a", "routed_dp_rank" : 7}';
  await r.send(body, { 'x-data-parallel-rank': '7' });
  assert.equal(r.seen[0]?.rank, '0');
  assert.deepEqual(JSON.parse(r.seen[0]?.body ?? ''), { routed_dp_rank: 0, data_parallel_rank: 0, text: 'a' });
});

test('a body that is no JSON object, and one for a path that is not for inference, stay as they are', async () => {
  await using r = await routed();
  for (const [body, path] of [
    ['--x\r\n{"not":"json"}\r\n--x--', '/v1/audio/transcriptions'],
    ['[{"text":"a"}]', '/generate'],
    ['{"text":"a"}', '/v1/decisions'],
  ] as const) {
    await r.send(body, {}, path);
    assert.deepEqual([r.seen.at(-1)?.body, r.seen.at(-1)?.rank !== undefined], [body, true]);
  }
});

test('a server with one rank gets the bytes of the client, a rank in them too', async () => {
  await using r = await routed(1);
  await r.send('{"routed_dp_rank":0,"text":"a"}', { 'x-data-parallel-rank': '0' });
  assert.deepEqual(r.seen, [{ url: '/generate', rank: '0', body: '{"routed_dp_rank":0,"text":"a"}' }]);
});

const META = (answer: Json) => answer.meta_info;

async function generate({ url }: TestRouter, text: string): Promise<Json> {
  const body = JSON.stringify({ text, sampling_params: { max_new_tokens: 2 } });
  const answer = await fetch(`${url}/generate`, { method: 'POST', body });
  assert.equal(answer.status, 200);
  return META(await answer.json());
}

test('an engine with two ranks: each serves its share, and a prompt goes back to the rank that has it', async () => {
  await using engine = await startSim(['--dp-size', '2']);
  await using router = await testRouter([engine.url], ['--dp-aware'], { policy: 'cache_aware' });
  await until(() => router.router.registry.available().length === 2);
  const prompts = Array.from({ length: 12 }, (_, number) => `${number} ${'word '.repeat(400)}`);
  const served = new Map<string, number>();
  for (const text of prompts) served.set(text, (await generate(router, text)).dp_rank);
  const shares = [0, 1].map((rank) => [...served.values()].filter((one) => one === rank).length);
  assert.ok(
    shares.every((share) => share >= 4),
    `shares ${shares}`,
  );
  for (const text of prompts) {
    const { dp_rank, cached_tokens, prompt_tokens } = await generate(router, text);
    assert.equal(dp_rank, served.get(text));
    assert.ok(cached_tokens > prompt_tokens * 0.9, `${cached_tokens} of ${prompt_tokens}`);
  }
});
