import assert from 'node:assert/strict';
import type { ServerResponse } from 'node:http';
import { test } from 'node:test';
import { fakeWorker, type Handler } from '../helpers/fake-worker.ts';
import { type Json, startSim } from '../helpers/sim.ts';
import { testRouter, until } from '../helpers/test-router.ts';

const json = async (url: string): Promise<Json> => (await fetch(url)).json();

const RANK = { dp_rank: 0, num_running_reqs: 1, num_waiting_reqs: 2, num_used_tokens: 30, max_total_num_tokens: 100 };

/** A handler that answers `/v1/loads` with one rank, or leaves that to the test. */
const loading =
  (questions: ServerResponse[], answers: boolean): Handler =>
  (request, response) => {
    if (request.url !== '/v1/loads') return void response.writeHead(404).end();
    questions.push(response);
    if (answers) response.end(JSON.stringify({ loads: [RANK] }));
  };

test('a worker tells its models, its context and, while it works, its tokens and how much of its cache is in use', async () => {
  await using sim = await startSim([
    ...['--served-model-name', 'qwen', '--context-length', '4096', '--max-total-tokens', '20000'],
    ...['--sim-decode-base-ms', '20'],
  ]);
  await using router = await testRouter([sim.url]);
  await until(() => router.router.registry.workers[0]?.facts.contextLength !== undefined);
  const leaving = new AbortController();
  const ask = (max: number) =>
    fetch(`${router.url}/generate`, {
      method: 'POST',
      signal: leaving.signal,
      body: JSON.stringify({ text: 'the same words again and '.repeat(40), sampling_params: { max_new_tokens: max } }),
    });
  await (await ask(1)).text();
  const busy = ask(2_000);
  let rank: Json;
  await until(() => router.router.registry.workers[0]?.load === 1);
  do {
    const { workers } = await json(`${router.url}/workers`);
    const [{ models, metadata, engine_load }] = workers;
    assert.deepEqual([models[0].id, models[0].context_length, metadata.context_length], ['qwen', 4_096, '4096']);
    rank = engine_load.loads[0];
  } while (rank.num_running_reqs === 0);
  assert.deepEqual([rank.dp_rank, rank.num_total_reqs, rank.max_total_num_tokens], [0, 1, 20_000]);
  assert.ok(rank.num_used_tokens > 0 && rank.token_usage > 0 && rank.token_usage < 1, JSON.stringify(rank));
  const { workers, aggregate } = await json(`${router.url}/get_loads`);
  const [load] = workers;
  assert.deepEqual([load.load, load.max_total_tokens, load.running_requests], [load.used_tokens, 20_000, 1]);
  assert.ok(load.used_tokens > 0 && load.token_usage > 0, JSON.stringify(load));
  assert.ok(load.cache_hit_rate > 0.5, 'the second prompt was cached');
  assert.deepEqual([aggregate.total_running_reqs, aggregate.total_reqs], [1, 1]);
  leaving.abort();
  await assert.rejects(busy, { name: 'AbortError' });
});

test('an older engine tells it at /get_load, and what its cache can hold in its server info', async () => {
  const info = { served_model_name: 'a', context_length: 8_192, max_total_num_tokens: 1_000 };
  await using worker = await fakeWorker(
    (request, response) => {
      const isLoad = request.url === '/get_load';
      response.writeHead(isLoad ? 200 : 404);
      response.end(isLoad ? '[{"dp_rank":0,"num_reqs":3,"num_waiting_reqs":1,"num_tokens":250}]' : '');
    },
    0,
    { '/server_info': JSON.stringify(info) },
  );
  await using router = await testRouter([worker.url]);
  await until(() => router.router.registry.workers[0]?.facts.kvCapacityTokens !== undefined);
  const [load] = (await json(`${router.url}/get_loads`)).workers;
  assert.deepEqual([load.load, load.used_tokens, load.max_total_tokens, load.token_usage], [250, 250, 1_000, 0.25]);
  const [{ engine_load }] = (await json(`${router.url}/workers`)).workers;
  assert.deepEqual(engine_load, {
    dp_rank_count: 1,
    loads: [{ dp_rank: 0, num_running_reqs: 2, num_waiting_reqs: 1, num_used_tokens: 250, num_total_reqs: 3 }],
  });
});

test('many who look at the workers at once ask an engine once', async () => {
  const questions: ServerResponse[] = [];
  await using worker = await fakeWorker(loading(questions, true));
  await using router = await testRouter([worker.url]);
  const answers = await Promise.all(Array.from({ length: 20 }, () => json(`${router.url}/workers`)));
  for (const { workers } of answers) assert.equal(workers[0].engine_load.loads[0].num_total_reqs, 3);
  assert.equal(questions.length, 1);
});

test('one that does not tell its load in time is there without', async () => {
  const questions: ServerResponse[] = [];
  await using slow = await fakeWorker(loading(questions, false));
  await using quick = await fakeWorker(loading([], true));
  await using router = await testRouter([slow.url, quick.url]);
  const { workers } = await json(`${router.url}/workers`);
  assert.deepEqual(
    workers.map(({ engine_load, is_healthy }: Json) => [is_healthy, engine_load?.loads.length]),
    [
      [true, undefined],
      [true, 1],
    ],
  );
  assert.equal(questions.length, 1);
  questions[0]?.end();
});

test('one that is not healthy is not asked', async () => {
  const questions: ServerResponse[] = [];
  await using worker = await fakeWorker(loading(questions, true));
  await using router = await testRouter([worker.url]);
  router.router.registry.fail(worker.url, 'its process is gone');
  const { workers } = await json(`${router.url}/workers`);
  assert.deepEqual([workers[0].is_healthy, workers[0].engine_load, questions.length], [false, undefined, 0]);
});
