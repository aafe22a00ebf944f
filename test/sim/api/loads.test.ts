import assert from 'node:assert/strict';
import { test } from 'node:test';
import { SGLANG_SHAPES } from '../../fixtures/sglang-shapes.ts';
import { shapeOf } from '../../helpers/shape.ts';
import { type Json, startSim } from '../../helpers/sim.ts';

/** Slow enough that a request is still there when the next one asks about it. */
const SLOW = ['--sim-decode-base-ms', '50', '--max-running-requests', '1', '--page-size', '1'];

test('/v1/loads counts what is running and waiting', async () => {
  await using sim = await startSim(SLOW);
  const gone = new AbortController();
  const body = { input_ids: [1, 2, 3, 4], stream: true, sampling_params: { max_new_tokens: 1000 } };
  await sim.post('/generate', body, { signal: gone.signal });
  const waits = sim.post('/generate', body, { signal: gone.signal }).catch(() => {});
  let answer: Json;
  do answer = await (await sim.get('/v1/loads')).json();
  while (answer.loads[0].num_waiting_reqs === 0 || answer.loads[0].decode_moments === null);
  assert.deepEqual(shapeOf(answer), SGLANG_SHAPES.loads);
  const [load] = answer.loads;
  assert.equal(load.num_running_reqs, 1);
  assert.equal(load.num_waiting_reqs, 1);
  assert.equal(load.num_waiting_uncached_tokens, 1);
  assert.ok(load.num_used_tokens >= 4);
  assert.equal(load.num_total_tokens, load.num_used_tokens + 4);
  assert.equal(load.queues.waiting, 1);
  const old: Json = await (await sim.get('/get_load')).json();
  assert.deepEqual(shapeOf(old[0]), [
    'dp_rank: number',
    'num_reqs: number',
    'num_waiting_reqs: number',
    'num_tokens: number',
  ]);
  assert.equal(old[0].num_reqs, 2);
  gone.abort();
  await waits;
});

test('a client that leaves gives everything back, whether it was running or waiting', async () => {
  await using sim = await startSim(SLOW);
  const gone = new AbortController();
  const body = { text: 'x', stream: true, sampling_params: { max_new_tokens: 1000 } };
  await sim.post('/generate', body, { signal: gone.signal });
  const waits = sim.post('/generate', { ...body, stream: false }, { signal: gone.signal }).catch(() => {});
  const load = async () => ((await (await sim.get('/v1/loads')).json()) as Json).loads[0];
  while ((await load()).num_waiting_reqs === 0);
  gone.abort();
  await waits;
  let now = await load();
  while (now.num_running_reqs + now.num_waiting_reqs > 0) now = await load();
  assert.equal(now.num_used_tokens, 0);
});

test('sections and the Prometheus format can be chosen', async () => {
  await using sim = await startSim();
  const core: Json = await (await sim.get('/v1/loads?include=core')).json();
  assert.equal('memory' in core.loads[0], false);
  const queues: Json = await (await sim.get('/v1/loads?include=core,queues&dp_rank=0')).json();
  assert.equal('queues' in queues.loads[0], true);
  assert.equal((await sim.get('/v1/loads?include=bogus')).status, 500);
  const text = await (await sim.get('/v1/loads?format=prometheus')).text();
  assert.match(text, /^sglang_num_running_reqs\{dp_rank="0"\} 0$/m);
  assert.match(text, /^sglang_queues_waiting\{dp_rank="0"\} 0$/m);
});
