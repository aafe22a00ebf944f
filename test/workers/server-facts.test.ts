import assert from 'node:assert/strict';
import { once } from 'node:events';
import { test } from 'node:test';
import type { ServerFacts } from '../../src/workers/server-facts.ts';
import { answering, fakeWorker } from '../helpers/fake-worker.ts';
import { startSim } from '../helpers/sim.ts';
import { testRegistry } from '../helpers/test-registry.ts';

/** What the registry learns of the worker there. */
async function learned(url: string): Promise<ServerFacts> {
  await using r = testRegistry();
  const worker = r.workers.add({ url });
  await once(r.workers, 'learned');
  return worker.facts;
}

const answers = (facts: Readonly<Record<string, string>>) => fakeWorker(answering(''), 0, facts);

test('asks an engine what it is', async () => {
  await using engine = await startSim(['--max-total-tokens', '12345']);
  const facts = await learned(engine.url);
  assert.equal(facts.kvCapacityTokens, 12_345);
  assert.ok(facts.modelPath && facts.servedModelName && facts.problem === undefined, JSON.stringify(facts));
  assert.deepEqual([facts.tpSize, facts.dpSize], [1, 1]);
});

test('the older names are tried too, and the capacity of ranks adds up', async () => {
  await using worker = await answers({
    '/get_server_info': '{"max_total_num_tokens":1000,"dp_size":4,"model_path":"/m","load_balance_method":"auto"}',
    '/get_model_info': '{"model_type":"llama","architectures":["LlamaForCausalLM"]}',
  });
  assert.deepEqual(await learned(worker.url), {
    kvCapacityTokens: 4000,
    dpSize: 4,
    modelPath: '/m',
    loadBalanceMethod: 'auto',
    modelType: 'llama',
    architectures: ['LlamaForCausalLM'],
  });
});

test('keys in the answer are not kept', async () => {
  await using worker = await answers({ '/server_info': '{"api_key":"secret","admin_api_key":"secret","tp_size":2}' });
  const facts = await learned(worker.url);
  assert.equal(facts.tpSize, 2);
  assert.ok(!JSON.stringify(facts).includes('secret'));
});

test('says what it got where that is no capacity', async () => {
  await using silent = await answers({});
  assert.equal((await learned(silent.url)).problem, '/server_info answered 404, /get_server_info answered 404');
  await using odd = await answers({ '/server_info': 'hello', '/get_server_info': '{"max_total_num_tokens":"many"}' });
  assert.deepEqual(await learned(odd.url), { problem: 'no max_total_num_tokens in its server info' });
});

test('the model is named as given, else as served, else by its path, else unknown', async () => {
  await using worker = await answers({ '/server_info': '{"model_path":"/m","served_model_name":"served"}' });
  await using r = testRegistry();
  const added = r.workers.add({ url: worker.url });
  assert.equal(added.modelId, 'unknown');
  await once(r.workers, 'learned');
  assert.equal(added.modelId, 'served');
  added.facts = { modelPath: '/m' };
  assert.equal(added.modelId, '/m');
  assert.equal(r.workers.add({ url: 'http://127.0.0.1:9', modelId: 'mine' }).modelId, 'mine');
});

test('a worker that comes back is asked again', async () => {
  await using worker = await answers({});
  await using r = testRegistry();
  const added = r.workers.add({ url: worker.url });
  await once(r.workers, 'learned');
  added.lost('connect ECONNREFUSED');
  await once(r.workers, 'learned');
});
