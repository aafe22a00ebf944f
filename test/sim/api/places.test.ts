import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { SGLANG_PAIR } from '../../fixtures/sglang-pair.ts';
import { type Json, pairBody, startPair, startSim, type TestSim } from '../../helpers/sim.ts';

const BODY = { text: 'some words of a prompt', sampling_params: { max_new_tokens: 2 } };
const CHAT = { model: 'any', messages: [{ role: 'user', content: 'hello' }], max_tokens: 2 };

async function metaOf(sim: TestSim, body: object): Promise<Json> {
  const answer: Json = await (await sim.post('/generate', body)).json();
  return answer.meta_info;
}

describe('ranks', () => {
  test('a request goes to the rank it names, the others take turns', async () => {
    await using sim = await startSim(['--dp-size', '3']);
    assert.equal((await metaOf(sim, { ...BODY, routed_dp_rank: 2 })).dp_rank, 2);
    assert.equal((await metaOf(sim, { ...BODY, data_parallel_rank: 1 })).dp_rank, 1);
    assert.equal((await metaOf(sim, { ...BODY, routed_dp_rank: 2, data_parallel_rank: 1 })).dp_rank, 2);
    const turns = [];
    for (let i = 0; i < 4; i++) turns.push((await metaOf(sim, BODY)).dp_rank);
    assert.deepEqual(turns, [0, 1, 2, 0]);
    const batch: Json = await (await sim.post('/generate', { ...BODY, text: ['a', 'b', 'c'] })).json();
    assert.deepEqual(batch.map(({ meta_info: meta }: Json) => meta.dp_rank).sort(), [0, 1, 2]);
  });

  test('the header wins over the body, on the endpoints of OpenAI only', async () => {
    await using sim = await startSim(['--dp-size', '2', '--page-size', '1', '--enable-cache-report']);
    const cached = async (rank: string, body = {}) => {
      const headers = { 'x-data-parallel-rank': rank };
      const answer: Json = await (await sim.post('/v1/chat/completions', { ...CHAT, ...body }, { headers })).json();
      return answer.usage.prompt_tokens_details.cached_tokens;
    };
    assert.equal(await cached('1'), 0);
    assert.notEqual(await cached('1', { routed_dp_rank: 0 }), 0);
    assert.equal(await cached('0', { routed_dp_rank: 1 }), 0);
    const generate = await sim.post(
      '/generate',
      { ...BODY, routed_dp_rank: 1 },
      { headers: { 'x-data-parallel-rank': '7' } },
    );
    assert.equal(((await generate.json()) as Json).meta_info.dp_rank, 1);
  });

  test('a rank that there is not is refused', async () => {
    await using sim = await startSim(['--dp-size', '2']);
    const message = async (path: string, body: object, rank?: string) => {
      const headers: Record<string, string> = rank === undefined ? {} : { 'x-data-parallel-rank': rank };
      const response = await sim.post(path, body, { headers });
      assert.equal(response.status, 400);
      const answer: Json = await response.json();
      return answer.message ?? answer.error.message;
    };
    assert.equal(await message('/generate', { ...BODY, routed_dp_rank: 9 }), 'routed_dp_rank=9 out of range [0, 2)');
    assert.equal(
      await message('/generate', { ...BODY, data_parallel_rank: -1 }),
      'routed_dp_rank=-1 out of range [0, 2)',
    );
    assert.equal(await message('/v1/chat/completions', CHAT, '7'), 'routed_dp_rank=7 out of range [0, 2)');
    assert.match(await message('/v1/chat/completions', CHAT, 'abc'), /must be an integer, got 'abc'$/);
  });

  test('each rank has a cache, a queue and figures of its own', async () => {
    await using sim = await startSim(['--dp-size', '2', '--page-size', '1', '--enable-metrics']);
    const cached = [];
    for (const rank of [0, 0, 1]) cached.push((await metaOf(sim, { ...BODY, routed_dp_rank: rank })).cached_tokens);
    assert.deepEqual([cached[0], cached[1] > 0, cached[2]], [0, true, 0]);
    const { loads }: Json = await (await sim.get('/v1/loads')).json();
    assert.deepEqual(
      loads.map((load: Json) => load.dp_rank),
      [0, 1],
    );
    assert.ok(loads[0].total_prefill_uncached_tokens > loads[1].total_prefill_uncached_tokens);
    const only: Json = await (await sim.get('/v1/loads?dp_rank=1')).json();
    assert.deepEqual([only.loads.length, only.loads[0].dp_rank], [1, 1]);
    const old: Json = await (await sim.get('/get_load')).json();
    assert.deepEqual(
      old.map((load: Json) => load.dp_rank),
      [0, 1],
    );
    const info: Json = await (await sim.get('/server_info')).json();
    assert.deepEqual([info.dp_size, info.internal_states.length], [2, 2]);
    const text = await (await sim.get('/metrics')).text();
    const requests = /^sglang:num_requests_total\{.*dp_rank="(\d)",is_streaming="false"\} (\d)$/gm;
    assert.deepEqual(
      [...text.matchAll(requests)].map(([, rank, count]) => [rank, count]),
      [
        ['0', '2'],
        ['1', '1'],
      ],
    );
    assert.equal(text.match(/# TYPE sglang:num_requests_total /g)?.length, 1);
  });

  test('flushing empties all of them, or none while one is busy', async () => {
    await using sim = await startSim(['--dp-size', '2', '--page-size', '1', '--sim-decode-base-ms', '20']);
    const once = { ...BODY, sampling_params: { max_new_tokens: 1 } };
    for (const rank of [0, 1]) await metaOf(sim, { ...once, routed_dp_rank: rank });
    const long = { text: 'x', stream: true, sampling_params: { max_new_tokens: 1000 }, rid: 'long', routed_dp_rank: 1 };
    const stream = await sim.post('/generate', long);
    assert.equal((await sim.get('/flush_cache')).status, 400);
    assert.notEqual((await metaOf(sim, { ...once, routed_dp_rank: 0 })).cached_tokens, 0);
    await sim.post('/abort_request', { rid: 'long' });
    await stream.text();
    assert.equal((await sim.get('/flush_cache')).status, 200);
    for (const rank of [0, 1]) assert.equal((await metaOf(sim, { ...once, routed_dp_rank: rank })).cached_tokens, 0);
  });

  test('a client that leaves is noticed by every rank it used', async () => {
    await using sim = await startSim(['--dp-size', '2', '--sim-decode-base-ms', '20']);
    const gone = new AbortController();
    const body = { text: ['a', 'b'], stream: true, sampling_params: { max_new_tokens: 1000 } };
    await sim.post('/generate', body, { signal: gone.signal });
    const running = async () => {
      const { loads }: Json = await (await sim.get('/v1/loads')).json();
      return loads.map((load: Json) => load.num_running_reqs);
    };
    assert.deepEqual(await running(), [1, 1]);
    gone.abort();
    while ((await running()).some((count: number) => count > 0));
  });
});

describe('ranks of a pair', () => {
  const ranksOf = async (answers: readonly Promise<Response>[]) =>
    Promise.all(answers.map(async (answer) => ((await (await answer).json()) as Json).meta_info?.dp_rank));

  test('both halves of a request may be told where to meet', async () => {
    await using pair = await startPair(['--dp-size', '2']);
    const body = { ...BODY, disagg_prefill_dp_rank: 1 };
    const post = (prefillRank: number, decodeRank: number, room: string) => [
      pair.prefill.post('/generate', pairBody({ ...body, routed_dp_rank: prefillRank }, pair.bootstrapPort, room)),
      pair.decode.post('/generate', pairBody({ ...body, routed_dp_rank: decodeRank }, pair.bootstrapPort, room)),
    ];
    assert.deepEqual(await ranksOf(post(1, 0, '4')), [1, 0]);
    assert.deepEqual(await ranksOf(post(1, 1, '6')), [1, 1]);
    assert.deepEqual(await ranksOf(post(1, 1, '7')), [1, 1]);
  });

  test('otherwise a room is on the rank that its number implies', async () => {
    await using pair = await startPair(['--dp-size', '2', '--enable-dp-attention']);
    assert.deepEqual(await ranksOf(pair.ask('/generate', BODY, { room: '6' })), [0, 0]);
    assert.deepEqual(await ranksOf(pair.ask('/generate', BODY, { room: '7' })), [1, 1]);
    assert.deepEqual(await ranksOf(pair.ask('/generate', BODY, { room: '9' })), [1, 0]);
  });

  test('without attention in parallel only the first rank takes a room that its number alone implies', async () => {
    await using pair = await startPair(['--dp-size', '2', '--sim-waiting-timeout-secs', '0.1']);
    assert.deepEqual(await ranksOf(pair.ask('/generate', BODY, { room: '6' })), [0, 0]);
    for (const rank of [undefined, 1]) {
      const body = { ...BODY, rid: 'p', routed_dp_rank: rank };
      const [prefill, decode] = await Promise.all(pair.ask('/generate', body, { room: '7' }));
      assert.equal(prefill.status, 500);
      assert.equal(((await prefill.json()) as Json).message, SGLANG_PAIR.roomOfOtherRank);
      assert.equal(decode.status, 500);
    }
  });

  test('a rank that the prefill server has not', async () => {
    await using pair = await startPair();
    const body = pairBody({ ...BODY, rid: 'd', disagg_prefill_dp_rank: 7 }, pair.bootstrapPort, '7');
    const response = await pair.decode.post('/generate', body);
    assert.equal(response.status, 500);
    assert.equal(((await response.json()) as Json).message, SGLANG_PAIR.wrongPrefillRank);
  });
});
