import assert from 'node:assert/strict';
import { test } from 'node:test';
import { answering, fakeWorker } from '../helpers/fake-worker.ts';
import { startingWorker } from '../helpers/starting-worker.ts';
import { type TestRouter, testRouter, until } from '../helpers/test-router.ts';

const UUID = /^[\da-f]{8}-[\da-f]{4}-4[\da-f]{3}-[89ab][\da-f]{3}-[\da-f]{12}$/;

type Json = Readonly<Record<string, unknown>>;

async function call({ url }: TestRouter, method: string, path: string, body?: object) {
  const answer = await fetch(url + path, body === undefined ? { method } : { method, body: JSON.stringify(body) });
  return { status: answer.status, headers: answer.headers, json: (await answer.json()) as Json };
}

const FACTS = {
  '/server_info': JSON.stringify({
    model_path: '/models/tiny',
    served_model_name: 'tiny',
    context_length: null,
    version: '0.5.23',
    tp_size: 2,
    dp_size: 1,
    load_balance_method: 'auto',
    disaggregation_mode: 'null',
    max_total_num_tokens: 20_000,
  }),
  '/model_info': JSON.stringify({ model_type: 'llama', architectures: ['LlamaForCausalLM'] }),
  '/v1/models': JSON.stringify({ data: [{ id: 'tiny', max_model_len: 4_096 }] }),
};

test('POST answers 202 with the location, GET there tells how far it is, then what the worker is', async () => {
  await using worker = await startingWorker();
  await using router = await testRouter([]);
  const { status, headers, json } = await call(router, 'POST', '/workers', { url: `${worker.url}/` });
  const id = json.worker_id as string;
  assert.match(id, UUID);
  assert.equal(status, 202);
  assert.equal(headers.get('location'), `/workers/${id}`);
  assert.deepEqual(json, {
    status: 'accepted',
    worker_id: id,
    url: worker.url,
    location: `/workers/${id}`,
    message: 'Worker addition queued for background processing',
  });

  await until(() => worker.checks() > 1);
  const pending = (await call(router, 'GET', `/workers/${id}`)).json;
  const job = pending.job_status as Json;
  assert.ok(Math.abs((job.timestamp as number) - Date.now() / 1000) < 60);
  assert.match(job.message as string, /503/);
  assert.deepEqual(
    { ...pending, job_status: { ...job, timestamp: 0, message: '' } },
    {
      id,
      url: worker.url,
      model_id: 'unknown',
      priority: 0,
      cost: 1,
      worker_type: 'unknown',
      is_healthy: false,
      load: 0,
      connection_mode: 'unknown',
      disable_health_check: false,
      job_status: { job_type: 'AddWorker', worker_url: worker.url, status: 'processing', message: '', timestamp: 0 },
    },
  );

  worker.finish();
  await until(() => router.router.registry.available().length === 1);
  const added = (await call(router, 'GET', `/workers/${id}`)).json;
  assert.deepEqual([added.is_healthy, added.worker_type, added.job_status], [true, 'regular', undefined]);
});

test('a worker in full: as it was added, with what its server tells', async () => {
  await using worker = await fakeWorker(answering(''), 0, FACTS);
  await using router = await testRouter([], ['--pd-disaggregation']);
  const body = {
    url: worker.url,
    worker_type: 'prefill',
    bootstrap_port: 8998,
    priority: 70,
    cost: 1.5,
    labels: { zone: 'a' },
    runtime: 'sglang',
    health_check_interval_secs: 5,
    disable_health_check: true,
  };
  const { worker_id: id } = (await call(router, 'POST', '/workers', body)).json;
  await until(() => router.router.registry.workers[0]?.facts.modelType === 'llama');
  const info = {
    id,
    url: worker.url,
    model_id: 'tiny',
    priority: 70,
    cost: 1.5,
    worker_type: 'prefill',
    is_healthy: true,
    warning: 'given as a prefill server, but its disaggregation_mode is null: expected prefill',
    models: [{ id: 'tiny', context_length: 4096, hf_model_type: 'llama', architectures: ['LlamaForCausalLM'] }],
    load: 0,
    connection_mode: 'HTTP',
    bootstrap_port: 8998,
    metadata: {
      model_path: '/models/tiny',
      served_model_name: 'tiny',
      tp_size: '2',
      dp_size: '1',
      load_balance_method: 'auto',
      disaggregation_mode: 'null',
      model_type: 'llama',
      architectures: '["LlamaForCausalLM"]',
      context_length: '4096',
      max_total_tokens: '20000',
      version: '0.5.23',
      priority: '70',
      cost: '1.5',
      zone: 'a',
    },
    disable_health_check: true,
  };
  assert.deepEqual((await call(router, 'GET', `/workers/${id}`)).json, info);
  assert.deepEqual((await call(router, 'GET', `/workers/${encodeURIComponent(worker.url)}`)).json, info);
  assert.deepEqual((await call(router, 'GET', `/workers/${worker.url}/`)).json, info);
  assert.deepEqual((await call(router, 'GET', '/workers')).json, {
    workers: [info],
    total: 1,
    stats: { prefill_count: 1, decode_count: 0, regular_count: 0 },
  });
});

test('a worker of the command line is there too; without facts its model is unknown', async () => {
  await using worker = await fakeWorker(answering(''));
  await using router = await testRouter([worker.url]);
  const { workers, stats } = (await call(router, 'GET', '/workers')).json as { workers: Json[]; stats: Json };
  assert.deepEqual(stats, { prefill_count: 0, decode_count: 0, regular_count: 1 });
  const { id, ...info } = workers[0] ?? {};
  assert.match(String(id), UUID);
  assert.deepEqual(info, {
    url: worker.url,
    model_id: 'unknown',
    priority: 50,
    cost: 1,
    worker_type: 'regular',
    is_healthy: true,
    load: 0,
    connection_mode: 'HTTP',
    disable_health_check: false,
  });
});

test('stats count healthy workers alone: a script that waits for so many prefill and decode servers does not begin too early', async () => {
  await using prefill = await startingWorker();
  await using decode = await startingWorker();
  await using router = await testRouter([], ['--pd-disaggregation']);
  const { registry } = router.router;
  registry.add({ url: prefill.url, role: 'prefill', bootstrapPort: null });
  registry.add({ url: decode.url, role: 'decode' });
  await until(() => prefill.checks() > 1 && decode.checks() > 1);
  const counts = async () => {
    const { total, stats } = (await call(router, 'GET', '/workers')).json as { total: number; stats: Json };
    return [total, stats.prefill_count, stats.decode_count, stats.regular_count];
  };
  assert.deepEqual(await counts(), [2, 0, 0, 0]);
  decode.finish();
  await until(() => registry.available('decode').length === 1);
  assert.deepEqual(await counts(), [2, 0, 1, 0]);
  prefill.finish();
  await until(() => registry.available('prefill').length === 1);
  assert.deepEqual(await counts(), [2, 1, 1, 0]);
});

test('one that is not healthy in time is removed; its job status tells why', async () => {
  await using worker = await startingWorker();
  await using router = await testRouter([], [], { workerStartupTimeoutMs: 150 });
  const { worker_id: id } = (await call(router, 'POST', '/workers', { url: worker.url })).json;
  await until(() => router.router.registry.workers.length === 0);
  for (const name of [id, encodeURIComponent(worker.url)]) {
    const { status, json } = await call(router, 'GET', `/workers/${name}`);
    const job = json.job_status as Json;
    assert.deepEqual([status, json.id, json.is_healthy, job.status], [200, id, false, 'failed']);
    assert.match(job.message as string, /not healthy within 0\.15 s and is removed again: .*503/);
  }
  assert.equal((await call(router, 'GET', '/workers')).json.total, 0);
  assert.equal((await call(router, 'DELETE', `/workers/${id}`)).status, 404);
});

test('POST of a URL that is there: the same id again, and a failed job beside the worker, which is left alone', async () => {
  await using worker = await fakeWorker(answering(''));
  await using router = await testRouter([worker.url]);
  const id = router.router.registry.workers[0]?.id;
  const { status, json } = await call(router, 'POST', '/workers', { url: worker.url, priority: 1 });
  assert.deepEqual([status, json.worker_id], [202, id]);
  const again = (await call(router, 'GET', `/workers/${id}`)).json;
  assert.deepEqual([again.is_healthy, again.priority], [true, 50]);
  const { status: jobStatus, message } = again.job_status as Json;
  assert.deepEqual([jobStatus, message], ['failed', `Worker ${worker.url} already exists`]);
  await call(router, 'DELETE', `/workers/${id}`);
  assert.equal((await call(router, 'GET', `/workers/${id}`)).status, 404);
});

test('POST of a URL that is just being added: the same id, no failure', async () => {
  await using worker = await startingWorker();
  await using router = await testRouter([]);
  const first = await call(router, 'POST', '/workers', { url: worker.url });
  const second = await call(router, 'POST', '/workers', { url: worker.url });
  assert.deepEqual(second.json, first.json);
  const { job_status } = (await call(router, 'GET', `/workers/${first.json.worker_id}`)).json;
  assert.equal((job_status as Json).status, 'processing');
});

test('PUT changes a worker in place: its id, its requests and its key for what comes next', async () => {
  const keys: (string | undefined)[] = [];
  await using worker = await fakeWorker((request, response) => {
    if (request.url !== '/generate') return void response.writeHead(404).end();
    keys.push(request.headers.authorization);
    if (keys.length > 1) response.end();
    else response.write('first ');
  });
  await using router = await testRouter([worker.url]);
  const { id } = router.router.registry.workers[0] ?? {};
  const generate = () => fetch(`${router.url}/generate`, { method: 'POST', body: '{}' });
  await generate();
  const body = { priority: 10, cost: 0.5, labels: { zone: 'b' }, api_key: 'new', disable_health_check: true };
  const { status, json } = await call(router, 'PUT', `/workers/${id}`, body);
  assert.equal(status, 202);
  assert.deepEqual(json, {
    status: 'accepted',
    worker_id: id,
    message: 'Worker update queued for background processing',
  });
  const info = (await call(router, 'GET', `/workers/${id}`)).json;
  assert.deepEqual([info.priority, info.cost, info.load, info.disable_health_check], [10, 0.5, 1, true]);
  assert.deepEqual(info.metadata, { priority: '10', cost: '0.5', zone: 'b' });
  await call(router, 'PUT', `/workers/${encodeURIComponent(worker.url)}`, { priority: 20 });
  const { priority, cost } = (await call(router, 'GET', `/workers/${id}`)).json;
  assert.deepEqual([priority, cost], [20, 0.5], 'what is not named stays');
  await generate();
  assert.deepEqual(keys, [undefined, 'Bearer new']);
});

test('DELETE drains: 202, nothing is sent there, the running stream finishes, later GET is 404', async () => {
  let finish = () => {};
  await using worker = await fakeWorker((_, response) => {
    response.write('first ');
    finish = () => response.end('last');
  });
  await using router = await testRouter([worker.url]);
  const { id } = router.router.registry.workers[0] ?? {};
  const streaming = await fetch(`${router.url}/generate`, { method: 'POST', body: '{}' });
  const { status, json } = await call(router, 'DELETE', `/workers/${id}`);
  assert.equal(status, 202);
  assert.deepEqual(json, {
    status: 'accepted',
    worker_id: id,
    message: 'Worker removal queued for background processing',
  });
  const gone = await call(router, 'GET', `/workers/${id}`);
  assert.deepEqual([gone.status, gone.json], [404, { error: `Worker ${id} not found`, code: 'WORKER_NOT_FOUND' }]);
  finish();
  assert.equal(await streaming.text(), 'first last');
});

test('DELETE of a worker that is just being added ends that', async () => {
  await using worker = await startingWorker();
  await using router = await testRouter([]);
  const { worker_id: id } = (await call(router, 'POST', '/workers', { url: worker.url })).json;
  assert.equal((await call(router, 'DELETE', `/workers/${id}?grace_secs=1`)).status, 202);
  assert.equal((await call(router, 'GET', `/workers/${id}`)).status, 404);
});

const ID = '6f1f3a52-1c1c-4c35-9d6f-0a4b1d5c7e11';
const MISTAKES: readonly (readonly [string, string, object | undefined, number, string, RegExp])[] = [
  ['POST', '/workers', {}, 422, 'UNPROCESSABLE_ENTITY', /^url: expected a URL, got nothing$/],
  ['POST', '/workers', undefined, 422, 'UNPROCESSABLE_ENTITY', /^url: expected a URL, got nothing$/],
  ['POST', '/workers', { url: '127.0.0.1:1' }, 400, 'BAD_REQUEST', /; write http:\/\/127\.0\.0\.1:1$/],
  ['POST', '/workers', { url: 'http://a', priority: 'x' }, 422, 'UNPROCESSABLE_ENTITY', /^priority: expected a number/],
  ['POST', '/workers', { url: 'http://a', cost: -1 }, 422, 'UNPROCESSABLE_ENTITY', /^cost: .*, got -1$/],
  [
    'POST',
    '/workers',
    { url: 'http://a:99999' },
    400,
    'BAD_REQUEST',
    /^url: expected a port between 1 and 65535, got '99999'/,
  ],
  ['POST', '/workers', { url: 'http://' }, 400, 'BAD_REQUEST', /^url: expected a host after http:\/\//],
  ['POST', '/workers', { url: 'http://a:1,http://b:2' }, 400, 'BAD_REQUEST', /^url: expected one URL/],
  ['POST', '/workers', { url: 8000 }, 422, 'UNPROCESSABLE_ENTITY', /^url: expected a string, got 8000$/],
  [
    'POST',
    '/workers',
    { url: ['http://a'] },
    422,
    'UNPROCESSABLE_ENTITY',
    /^url: expected a string, got \["http:\/\/a"\]$/,
  ],
  ['POST', '/workers', ['http://a'], 400, 'BAD_REQUEST', /^expected a JSON object as body, got an array$/],
  [
    'POST',
    '/workers',
    { url: 'http://a', api_key: ['sk-x'] },
    422,
    'UNPROCESSABLE_ENTITY',
    /^api_key: expected a string, got an array$/,
  ],
  [
    'POST',
    '/workers',
    { url: 'http://a', api_key: 'sk-é' },
    400,
    'BAD_REQUEST',
    /^api_key: expected a key of printable [^é]*$/,
  ],
  [
    'PUT',
    `/workers/${ID}`,
    { api_key: { key: 'sk-x' } },
    422,
    'UNPROCESSABLE_ENTITY',
    /^api_key: expected a string, got an object$/,
  ],
  [
    'PUT',
    `/workers/${ID}`,
    { disable_health_check: 'no' },
    422,
    'UNPROCESSABLE_ENTITY',
    /^disable_health_check: expected true or/,
  ],
  ['PUT', `/workers/${ID}`, { priority: true }, 422, 'UNPROCESSABLE_ENTITY', /^priority: .*, got true$/],
  [
    'POST',
    '/workers',
    { url: 'http://a', bootstrap_port: 70000, worker_type: 'regular' },
    400,
    'BAD_REQUEST',
    /^bootstrap_port: /,
  ],
  ['GET', '/workers/x', undefined, 400, 'BAD_REQUEST', /^Invalid worker_id 'x' \(expected UUID/],
  ['PUT', '/workers/x', {}, 400, 'BAD_REQUEST', /^Invalid worker_id 'x'/],
  ['DELETE', '/workers/x', undefined, 400, 'BAD_REQUEST', /^Invalid worker_id 'x'/],
  ['GET', `/workers/${ID}`, undefined, 404, 'WORKER_NOT_FOUND', RegExp(`^Worker ${ID} not found$`)],
  ['PUT', `/workers/${ID}`, {}, 404, 'WORKER_NOT_FOUND', /not found$/],
  ['PUT', `/workers/${ID}`, { labels: ['a'] }, 422, 'UNPROCESSABLE_ENTITY', /^labels: expected an object/],
  ['DELETE', `/workers/${ID}`, undefined, 404, 'WORKER_NOT_FOUND', /not found$/],
  ['DELETE', '/workers/http%3A%2F%2Fa%3A1', undefined, 404, 'WORKER_NOT_FOUND', /^Worker http:\/\/a:1 not found$/],
];

test('mistakes are told in the shape of that API', async () => {
  await using router = await testRouter([]);
  for (const [method, path, body, status, code, message] of MISTAKES) {
    const answer = await call(router, method, path, body);
    assert.deepEqual([answer.status, answer.json.code], [status, code], `${method} ${path}`);
    assert.match(String(answer.json.error), message);
  }
});

test('a broken body is told its place, and nothing of it is quoted', async () => {
  await using router = await testRouter([]);
  const body = '{"url": "http://a", "api_key": sk-never-seen}';
  for (const path of ['/workers', '/add_worker']) {
    const answer = await fetch(router.url + path, { method: 'POST', body });
    assert.equal(answer.status, 400);
    assert.match(await answer.text(), /^(?!.*sk-never).*expected a JSON object as body: Unexpected token 's'/);
  }
});

test('1024 workers are all that there may be: one more is 409, and one that leaves makes room', async () => {
  await using router = await testRouter([], ['--disable-health-check']);
  const { registry } = router.router;
  for (let i = 1; i <= 1_024; i++) registry.add({ url: `http://127.0.0.1:${i}` });
  for (const path of ['/workers', '/add_worker']) {
    const answer = await fetch(router.url + path, {
      method: 'POST',
      body: JSON.stringify({ url: 'http://127.0.0.2:1' }),
    });
    assert.equal(answer.status, 409);
    assert.match(await answer.text(), /too_many_workers.*|expected at most 1024 workers, got 1025/i);
  }
  assert.equal(registry.workers.length, 1_024);
  await registry.remove('http://127.0.0.1:7', 0);
  assert.equal((await call(router, 'POST', '/workers', { url: 'http://127.0.0.2:1' })).status, 202);
});

test('a server with data-parallel ranks is one worker that lists them; none of them can be taken out alone', async () => {
  await using worker = await fakeWorker(answering(''), 0, { '/server_info': '{"dp_size":2}' });
  await using router = await testRouter([worker.url], ['--dp-aware']);
  const { workers, total } = (await call(router, 'GET', '/workers')).json;
  assert.equal(total, 1);
  const [{ url, dp_ranks: ranks }] = workers as [{ url: string; dp_ranks: unknown }];
  assert.deepEqual([url, ranks], [worker.url, [0, 1].map((rank) => ({ rank, url: `${worker.url}@${rank}`, load: 0 }))]);
  for (const [method, path] of [
    ['DELETE', `/workers/${encodeURIComponent(`${worker.url}@1`)}`],
    ['POST', `/remove_worker?url=${worker.url}@1`],
  ] as const) {
    const response = await fetch(router.url + path, { method });
    assert.equal(response.status, 400);
    assert.ok((await response.text()).includes(`a server with all its ranks is written ${worker.url}`));
  }
  assert.equal(router.router.registry.available().length, 2);
  await call(router, 'DELETE', `/workers/${encodeURIComponent(worker.url)}`);
  assert.deepEqual(router.router.registry.available(), []);
});
