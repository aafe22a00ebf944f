import assert from 'node:assert/strict';
import { test } from 'node:test';
import { startSim } from '../../helpers/sim.ts';

test('/metrics is there only when asked for', async () => {
  await using sim = await startSim();
  assert.equal((await sim.get('/metrics')).status, 404);
});

test('/metrics counts in names and labels of SGLang', async () => {
  await using sim = await startSim(['--enable-metrics', '--served-model-name', 'tiny']);
  await (await sim.post('/generate', { input_ids: [1, 2, 3], sampling_params: { max_new_tokens: 5 } })).text();
  await (
    await sim.post('/generate', { input_ids: [1, 2], stream: true, sampling_params: { max_new_tokens: 2 } })
  ).text();
  const response = await sim.get('/metrics');
  assert.equal(response.headers.get('content-type'), 'text/plain; version=0.0.4; charset=utf-8');
  const text = await response.text();
  const value = (name: string, label: string) => {
    const line = text.split('\n').find((one) => one.startsWith(`sglang:${name}{`) && one.includes(label));
    return Number(line?.split(' ').at(-1));
  };
  assert.equal(value('prompt_tokens_total', 'is_streaming="false"'), 3);
  assert.equal(value('generation_tokens_total', 'is_streaming="true"'), 2);
  assert.equal(value('time_to_first_token_seconds_count', 'is_streaming="true"'), 1);
  assert.equal(value('time_to_first_token_seconds_bucket', 'is_streaming="true",le="+Inf"'), 1);
  assert.equal(value('inter_token_latency_seconds_count', 'model_name="tiny"'), 5);
  assert.equal(value('num_running_reqs', 'tp_rank="0"'), 0);
  assert.equal(value('max_total_num_tokens', 'engine_type="unified"'), 524_288);
  assert.equal(value('http_requests_total', 'endpoint="/generate",method="POST"'), 2);
  assert.equal(value('http_responses_total', 'endpoint="/generate",method="POST",status_code="200"'), 2);
});
