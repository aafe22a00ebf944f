import assert from 'node:assert/strict';
import { connect } from 'node:net';
import { test } from 'node:test';
import type { Config } from '../../src/config/options.ts';
import { type FakeWorker, fakeWorker } from '../helpers/fake-worker.ts';
import { parseScrape, scraped } from '../helpers/prometheus.ts';
import { type Json, startSim } from '../helpers/sim.ts';
import { spawnSim } from '../helpers/spawn-sim.ts';
import { testRouter } from '../helpers/test-router.ts';

/** Two engines behind a router that does not check them again, so that one that is killed stays in its eyes. */
async function pair(simFlags: readonly string[] = [], policy: Config['policy'] = 'round_robin') {
  const alive = await startSim(simFlags);
  const mortal = spawnSim(simFlags);
  const dead = await mortal.url();
  const router = await testRouter([alive.url, dead], ['--health-check-interval-secs', '3600'], { policy });
  return {
    url: router.url,
    router,
    alive: alive.url,
    dead,
    kill: async () => {
      mortal.child.kill('SIGKILL');
      await mortal.exited;
    },
    [Symbol.asyncDispose]: async () => {
      await router[Symbol.asyncDispose]();
      await alive[Symbol.asyncDispose]();
      await mortal[Symbol.asyncDispose]();
    },
  };
}

/** Of a worker that is not asked for its list of models. */
const TOLD = { '/server_info': '{"served_model_name":"a","context_length":8192}' };

const json = async (url: string, init?: RequestInit): Promise<Json> => (await fetch(url, init)).json();

test('/get_loads has every worker, and -1 with the reason where one cannot be asked', async () => {
  await using two = await pair();
  const before = await json(`${two.url}/get_loads`);
  assert.deepEqual(
    before.workers.map(({ worker }: Json) => worker),
    [two.alive, two.dead],
  );
  assert.deepEqual(before.workers[0], {
    worker: two.alive,
    load: 0,
    running_requests: 0,
    waiting_requests: 0,
    used_tokens: 0,
    max_total_tokens: 524_288,
    token_usage: 0,
    cache_hit_rate: 0,
    gen_throughput: 0,
  });
  await two.kill();
  const after = await json(`${two.url}/get_loads`);
  assert.equal(after.workers[0].load, 0);
  assert.deepEqual([after.workers[1].worker, after.workers[1].load], [two.dead, -1]);
  assert.match(after.workers[1].error, /ECONNREFUSED/);
});

test('an engine that has /get_load alone is asked there', async () => {
  await using worker = await fakeWorker((request, response) => {
    const ranks = [
      { dp_rank: 0, num_reqs: 3, num_waiting_reqs: 1, num_tokens: 100 },
      { dp_rank: 1, num_reqs: 1, num_waiting_reqs: 0, num_tokens: 11 },
    ];
    if (request.url === '/get_load') response.end(JSON.stringify(ranks));
    else response.writeHead(404).end();
  });
  await using router = await testRouter([worker.url]);
  const { workers, loads } = await json(`${router.url}/get_loads`);
  assert.deepEqual(workers, [
    { worker: worker.url, load: 111, running_requests: 3, waiting_requests: 1, used_tokens: 111 },
  ]);
  assert.deepEqual(
    loads.map(({ dp_rank, num_running_reqs, num_total_reqs, num_used_tokens }: Json) => [
      dp_rank,
      num_running_reqs,
      num_total_reqs,
      num_used_tokens,
    ]),
    [
      [0, 2, 3, 100],
      [1, 1, 1, 11],
    ],
  );
});

test('/v1/loads has the ranks of all workers, each with its worker, and who did not answer', async () => {
  await using two = await pair();
  const before = await json(`${two.url}/v1/loads?include=core`);
  assert.deepEqual(
    before.loads.map(({ worker, dp_rank, memory }: Json) => [worker, dp_rank, memory]),
    [
      [two.alive, 0, undefined],
      [two.dead, 0, undefined],
    ],
  );
  assert.deepEqual(before.failed, []);
  await two.kill();
  const after = await json(`${two.url}/v1/loads`);
  assert.equal(after.loads.length, 1);
  assert.equal(after.failed[0].worker, two.dead);
  const text = await (await fetch(`${two.url}/v1/loads?format=prometheus`)).text();
  assert.match(text, new RegExp(`sglang_num_running_reqs\\{worker_addr="${two.alive}",dp_rank="0"\\} 0`));
});

test('/flush_cache empties every cache: 200, or 206 with what failed; GET is as good as POST', async () => {
  await using two = await pair([], 'cache_aware');
  const prompt = { text: 'a prompt that is repeated '.repeat(20), sampling_params: { max_new_tokens: 1 } };
  const ask = () => json(`${two.url}/generate`, { method: 'POST', body: JSON.stringify(prompt) });
  await ask();
  assert.ok((await ask()).meta_info.cached_tokens > 50);
  const flushed = await fetch(`${two.url}/flush_cache`, { method: 'POST' });
  assert.equal(flushed.status, 200);
  assert.deepEqual(await flushed.json(), {
    status: 'success',
    message: 'Successfully flushed cache on all 2 HTTP workers',
    workers_flushed: 2,
    total_http_workers: 2,
    total_workers: 2,
  });
  const again = await fetch(`${two.url}/generate`, { method: 'POST', body: JSON.stringify(prompt) });
  assert.equal(again.headers.get('x-sglang-router-matched'), '0', 'the router knows that it is gone');
  assert.equal(((await again.json()) as Json).meta_info.cached_tokens, 0);
  await two.kill();
  const partial = await fetch(`${two.url}/flush_cache?timeout=1`);
  assert.equal(partial.status, 206);
  const body = (await partial.json()) as Json;
  assert.deepEqual([body.status, body.successful, body.failed[0].worker], ['partial_success', [two.alive], two.dead]);
});

test('/v1/models has what the workers serve together, once, also where one of them is away', async () => {
  await using qwen = await startSim(['--served-model-name', 'qwen']);
  await using two = await pair(['--served-model-name', 'org/llama']);
  two.router.router.registry.add({ url: qwen.url });
  const ids = async () => (await json(`${two.url}/v1/models`)).data.map(({ id }: Json) => id);
  while ((await ids()).length < 2);
  assert.deepEqual(await ids(), ['org/llama', 'qwen']);
  assert.equal((await json(`${two.url}/v1/models/org/llama`)).id, 'org/llama');
  assert.equal((await json(`${two.url}/v1/models/org%2Fllama`)).id, 'org/llama');
  const unknown = await fetch(`${two.url}/v1/models/gpt`);
  assert.equal(unknown.status, 404);
  const { error } = (await unknown.json()) as Json;
  assert.deepEqual([error.code, error.models], ['model_not_found', ['org/llama', 'qwen']]);
  await two.kill();
  assert.deepEqual(await ids(), ['org/llama', 'qwen']);
});

test('info is of the first worker that gives it', async () => {
  await using broken = await fakeWorker((_request, response) => void response.writeHead(500).end('out of order'));
  await using sim = await startSim(['--served-model-name', 'qwen']);
  await using router = await testRouter([broken.url, sim.url]);
  for (const path of ['/get_model_info', '/model_info', '/get_server_info', '/server_info']) {
    const answer = await fetch(router.url + path);
    assert.match(answer.headers.get('content-type') ?? '', /^application\/json/, path);
    assert.equal(((await answer.json()) as Json).served_model_name, 'qwen', path);
  }
});

test('where no worker is good the answer says what each said', async () => {
  await using worker = await fakeWorker(
    (_request, response) => void response.writeHead(500).end('out of order'),
    0,
    TOLD,
  );
  await using router = await testRouter([worker.url]);
  for (const path of ['/v1/models', '/engine_metrics', '/v1/loads']) {
    const answer = await fetch(router.url + path);
    assert.equal(answer.status, 502, path);
    const { error } = (await answer.json()) as Json;
    assert.equal(error.code, 'worker_bad_response');
    assert.match(error.message, /answered 500: out of order/);
  }
  await using nobody = await testRouter([]);
  for (const path of ['/v1/models', '/model_info', '/server_info', '/engine_metrics', '/v1/loads']) {
    assert.equal((await fetch(nobody.url + path)).status, 503, path);
  }
});

/** A server that tells its keys, as real ones do. */
function keyed(): Promise<FakeWorker> {
  const info = {
    api_key: 'sk-worker"1',
    admin_api_key: 'sk-admin',
    launch_command: 'python -m sglang.launch_server --admin-api-key sk-admin --api-key=sk-other --port 1',
    internal_states: [{ api_key: 'sk-worker"1', seed: 9_007_199_254_740_993n.toString() }],
    env: 'HEADER=Bearer sk-admin',
    max_total_num_tokens: 1,
  };
  return fakeWorker(() => {}, 0, { '/server_info': JSON.stringify(info), '/model_info': JSON.stringify(info) });
}

test("what servers say of themselves comes without their keys, and theirs only with the router's", async () => {
  await using worker = await keyed();
  await using router = await testRouter([worker.url], ['--api-key', 'sk-router']);
  assert.equal((await fetch(`${router.url}/server_info`)).status, 401);
  const authorized = { headers: { authorization: 'Bearer sk-router' } };
  for (const [path, init] of [['/server_info', authorized] as const, ['/model_info', {}] as const]) {
    const text = await (await fetch(router.url + path, init)).text();
    assert.doesNotMatch(text, /sk-/, path);
    const info = JSON.parse(text);
    assert.deepEqual([info.api_key, info.admin_api_key, info.internal_states[0].api_key], [null, null, null]);
    assert.match(info.launch_command, /--admin-api-key \*\*\* --api-key=\*\*\* --port 1$/);
  }
});

test("a worker that has no key of its own is asked with the client's", async () => {
  const keys: unknown[] = [];
  await using worker = await fakeWorker(
    ({ headers }, response) => {
      keys.push(headers.authorization);
      response.end('{"data":[{"id":"a"}]}');
    },
    0,
    TOLD,
  );
  await using router = await testRouter([worker.url]);
  await fetch(`${router.url}/v1/models`, { headers: { authorization: 'Bearer mine' } });
  assert.deepEqual(keys, ['Bearer mine']);
});

test('however many ask at once, a worker is asked once', async () => {
  const held = Promise.withResolvers<void>();
  await using worker = await fakeWorker(
    async (_request, response) => {
      await held.promise;
      response.end('{"data":[{"id":"a"}]}');
    },
    0,
    TOLD,
  );
  await using router = await testRouter([worker.url]);
  const asked = Array.from({ length: 20 }, () => json(`${router.url}/v1/models`));
  while ((await json(`${router.url}/readiness`)) && worker.seen.length === 0);
  held.resolve();
  for (const models of await Promise.all(asked)) assert.equal(models.data[0].id, 'a');
  assert.ok(worker.seen.length < 20, `${worker.seen.length} questions`);
});

test('/engine_metrics is of all healthy workers, under both names; one without metrics is a comment', async () => {
  await using sim = await startSim(['--enable-metrics']);
  await using silent = await startSim();
  await using router = await testRouter([sim.url, silent.url]);
  const answer = await fetch(`${router.url}/engine_metrics`);
  assert.match(answer.headers.get('content-type') ?? '', /^text\/plain/);
  const text = await answer.text();
  for (const prefix of ['sglang:', 'sglang_']) {
    assert.ok(text.includes(`${prefix}num_running_reqs{worker_addr="${sim.url}"`), prefix);
  }
  assert.ok(!text.includes(`worker_addr="${silent.url}"`));
  assert.match(text, new RegExp(`# ${silent.url}: /metrics answered 404.*\n$`));
});

test('many who ask for /engine_metrics at once, and read slowly, are sent the same bytes', async () => {
  const CLIENTS = 60;
  const MIB = 2 ** 20;
  const { promise: begin, resolve: answer } = Promise.withResolvers<void>();
  const text = `x{y="${'z'.repeat(4 * MIB)}"} 1\n`;
  await using worker = await fakeWorker((_, response) => void begin.then(() => response.end(text)));
  await using router = await testRouter([worker.url], [], { dataThreads: 1 });
  const { port, hostname } = new URL(router.url);
  const clients = Array.from({ length: CLIENTS }, () => connect(Number(port), hostname).pause());
  for (const client of clients) client.write('GET /engine_metrics HTTP/1.1\r\nhost: x\r\n\r\n');
  const last = fetch(`${router.url}/engine_metrics`);
  const open = async () => {
    const scrape = await (await fetch(`${router.url}/metrics`)).text();
    return scraped(parseScrape(scrape), 'smg_http_connections_active') ?? 0;
  };
  while ((await open()) < CLIENTS + 2);
  const before = process.memoryUsage().arrayBuffers;
  answer();
  assert.equal((await (await last).text()).length, text.length + `worker_addr="${worker.url}",`.length);
  const taken = process.memoryUsage().arrayBuffers - before;
  assert.ok(taken < 10 * text.length, `${Math.round(taken / MIB)} MiB`);
  for (const client of clients) client.destroy();
});

test('/abort_request reaches the worker that has the request', async () => {
  await using slow = await startSim(['--sim-decode-base-ms', '20']);
  await using other = await startSim();
  await using router = await testRouter([slow.url, other.url]);
  const body = JSON.stringify({ rid: 'mine', text: 'x', sampling_params: { max_new_tokens: 5_000 }, stream: true });
  const running = await fetch(`${router.url}/generate`, { method: 'POST', body });
  const reader = running.body!.getReader();
  await reader.read();
  const aborted = await fetch(`${router.url}/abort_request`, { method: 'POST', body: '{"rid":"mine"}' });
  assert.deepEqual([aborted.status, await aborted.text()], [200, '']);
  while (!(await reader.read()).done);
});

test('/abort_request tells whom it could not reach', async () => {
  await using two = await pair();
  await two.kill();
  const answer = await fetch(`${two.url}/abort_request`, { method: 'POST', body: '{"abort_all":true}' });
  assert.equal(answer.status, 206);
  const body = (await answer.json()) as Json;
  assert.deepEqual([body.successful, body.failed[0].worker], [[two.alive], two.dead]);
});

test('/abort_request reaches a worker that fails its health checks, and one that was removed and runs on', async () => {
  const told: string[] = [];
  const stubborn = () =>
    fakeWorker(({ url, headers: { host } }, response) => {
      if (url === '/abort_request') told.push(`http://${host}`);
      else response.write('first ');
      if (url === '/abort_request') response.end();
    });
  await using one = await stubborn();
  await using two = await stubborn();
  await using router = await testRouter([one.url, two.url], [], { policy: 'round_robin' });
  const post = () => fetch(`${router.url}/generate`, { method: 'POST', body: '{}' });
  const running = await Promise.all([post(), post()]);
  const { registry } = router.router;
  registry.get(one.url)?.becomeUnhealthy('test');
  void registry.remove(two.url);
  const aborted = await fetch(`${router.url}/abort_request`, { method: 'POST', body: '{"abort_all":true}' });
  assert.deepEqual([aborted.status, told.sort()], [200, [one.url, two.url].sort()]);
  for (const { body } of running) await body?.cancel();
});

test('/abort_request that no server takes: what they say of it', async () => {
  await using one = await fakeWorker((_, response) => response.writeHead(422).end('{"detail":"rid?"}'));
  await using router = await testRouter([one.url]);
  const answer = await fetch(`${router.url}/abort_request`, { method: 'POST', body: '{"rid":5}' });
  assert.deepEqual([answer.status, await answer.text()], [422, '{"detail":"rid?"}']);
});
