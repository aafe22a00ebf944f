import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { type TestContext, test } from 'node:test';
import type { ServerFacts } from '../../src/fleet/server-facts.ts';
import { answering, fakeWorker } from '../helpers/fake-worker.ts';
import { startSim } from '../helpers/sim.ts';
import { testRegistry } from '../helpers/test-registry.ts';
import { until } from '../helpers/test-router.ts';
import { VirtualClock } from '../helpers/virtual-clock.ts';

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

test('without server info its models are those that it lists', async () => {
  await using worker = await answers({ '/v1/models': '{"data":[{"id":"base"},{"id":"adapter"},{"id":7},null]}' });
  const facts = await learned(worker.url);
  assert.deepEqual([facts.listedModels, facts.modelProblem], [['base', 'adapter'], undefined]);
  await using silent = await answers({ '/v1/models': '{"data":[]}' });
  assert.match((await learned(silent.url)).modelProblem ?? '', /server_info answered 404, .*\/v1\/models listed none/);
});

test('the length of the context is that of the server info, else that of the model that it lists first', async () => {
  const info = (context: number | null) => JSON.stringify({ served_model_name: 'a', context_length: context });
  const list = '{"data":[{"id":"a","max_model_len":8192},{"id":"adapter","max_model_len":1}]}';
  await using given = await answers({ '/server_info': info(4_096), '/v1/models': list });
  assert.equal((await learned(given.url)).contextLength, 4_096);
  await using own = await answers({ '/server_info': info(null), '/v1/models': list });
  const { contextLength, listedModels, modelProblem } = await learned(own.url);
  assert.deepEqual([contextLength, listedModels, modelProblem], [8_192, undefined, undefined]);
  await using silent = await answers({ '/server_info': info(null) });
  const { contextLength: none, modelProblem: problem, untold } = await learned(silent.url);
  assert.deepEqual([none, problem, untold], [undefined, undefined, undefined]);
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
  const { problem, ...others } = await learned(odd.url);
  assert.equal(problem, 'no max_total_num_tokens in its server info');
  assert.deepEqual(others, { modelProblem: '/v1/models answered 404' });
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

/** A server whose server info a test answers. */
async function asked(t: TestContext) {
  const questions: ServerResponse[] = [];
  const server = createServer(({ url }, response) => {
    if (url === '/server_info') questions.push(response);
    else response.writeHead(url === '/health' ? 200 : 404).end();
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.after(() => {
    server.close();
    server.closeAllConnections();
  });
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, questions };
}

test('it serves only once it was asked what it is: requests may be for another model', async (t) => {
  const { url, questions } = await asked(t);
  await using r = testRegistry();
  const added = r.workers.add({ url });
  await until(() => questions.length === 1);
  assert.deepEqual([added.available, added.modelId], [false, 'unknown']);
  questions[0]?.end('{"served_model_name":"a"}');
  await until(() => added.available);
  assert.equal(added.modelId, 'a');
});

test('a server that cannot tell for the moment serves, and is asked again', async (t) => {
  const { url, questions } = await asked(t);
  const clock = new VirtualClock();
  await using r = testRegistry({}, {}, clock);
  const added = r.workers.add({ url });
  // Before it is ready, and once more when it is.
  for (const n of [1, 2]) {
    await until(() => questions.length === n);
    const learned = n === 2 ? once(r.workers, 'learned') : undefined;
    questions.at(-1)?.writeHead(503).end();
    await learned;
  }
  assert.deepEqual([added.available, added.modelId], [true, 'unknown']);
  clock.advance(10_000);
  await until(() => questions.length === 3);
  const learned = once(r.workers, 'learned');
  questions.at(-1)?.end('{"served_model_name":"a"}');
  await learned;
  assert.equal(added.modelId, 'a');
  clock.advance(60_000);
  assert.equal(questions.length, 3);
});

test('what it told holds until it tells something else', async () => {
  const facts: Record<string, string> = { '/server_info': '{"served_model_name":"a"}' };
  await using worker = await answers(facts);
  await using r = testRegistry();
  const added = r.workers.add({ url: worker.url });
  for (const [info, model] of [
    [undefined, 'a'],
    ['{"served_model_name":"b"}', 'b'],
  ] as const) {
    await once(r.workers, 'learned');
    if (info === undefined) delete facts['/server_info'];
    else facts['/server_info'] = info;
    added.lost('connect ECONNREFUSED');
    await once(r.workers, 'learned');
    assert.equal(added.modelId, model);
    added.lost('connect ECONNREFUSED');
  }
});

test('a worker that wants another key is told of', async (t) => {
  const { url, questions } = await asked(t);
  await using r = testRegistry();
  r.workers.add({ url });
  await until(() => questions.length === 1);
  questions[0]?.writeHead(401).end();
  await once(r.workers, 'learned');
  assert.match(r.lines.join(''), /worker refuses the router: api_key or --api-key must be its key .*answered 401/);
});

test('a worker that comes back is asked again', async () => {
  await using worker = await answers({});
  await using r = testRegistry();
  const added = r.workers.add({ url: worker.url });
  await once(r.workers, 'learned');
  added.lost('connect ECONNREFUSED');
  await once(r.workers, 'learned');
});
