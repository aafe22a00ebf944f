import assert from 'node:assert/strict';
import { test } from 'node:test';
import { SGLANG_SHAPES } from '../../fixtures/sglang-shapes.ts';
import { shapeOf } from '../../helpers/shape.ts';
import { type Json, startSim } from '../../helpers/sim.ts';

test('/v1/models lists the served name', async () => {
  await using sim = await startSim(['--model-path', '/models/tiny', '--served-model-name', 'tiny']);
  const list: Json = await (await sim.get('/v1/models')).json();
  assert.deepEqual(shapeOf(list), SGLANG_SHAPES.models);
  assert.equal(list.data[0].id, 'tiny');
  assert.equal((await sim.get('/v1/models/tiny')).status, 200);
  const unknown = await sim.get('/v1/models/nope');
  assert.equal(unknown.status, 404);
  assert.deepEqual(shapeOf(await unknown.json()), SGLANG_SHAPES.modelNotFound);
});

test('/model_info and its older name say the same', async () => {
  await using sim = await startSim(['--model-path', '/models/tiny']);
  const info: Json = await (await sim.get('/model_info')).json();
  assert.deepEqual(shapeOf(info), SGLANG_SHAPES.modelInfo);
  assert.deepEqual(await (await sim.get('/get_model_info')).json(), info);
});

test('/server_info and its older name carry what routers read, and no key', async () => {
  await using sim = await startSim(['--page-size', '32', '--max-total-tokens', '4096', '--api-key', 'secret']);
  for (const path of ['/server_info', '/get_server_info']) {
    const response = await sim.get(path, { headers: { authorization: 'Bearer secret' } });
    const text = await response.text();
    const info: Json = JSON.parse(text);
    assert.equal(info.page_size, 32);
    assert.equal(info.max_total_num_tokens, 4096);
    assert.equal(info.disaggregation_mode, 'null');
    assert.equal(info.dp_size, 1);
    assert.equal(info.status, 'ready');
    assert.equal(info.internal_states.length, 1);
    assert.equal(text.includes('secret'), false);
  }
});
