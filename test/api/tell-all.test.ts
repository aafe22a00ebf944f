import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { test } from 'node:test';
import { ENDPOINTS } from '../../src/http/endpoints.ts';
import { type FakeWorker, fakeWorker, type Handler } from '../helpers/fake-worker.ts';
import { pairRouter } from '../helpers/pair-router.ts';
import type { Json } from '../helpers/sim.ts';
import { testRouter, until } from '../helpers/test-router.ts';

const DONE = '{"success":true,"message":"done"}';
const json = (text: string, status = 200) => ({ status, headers: { 'content-type': 'application/json' }, text });
const saying = ({ status, headers, text }: ReturnType<typeof json>): Handler => {
  return (_, response) => void response.writeHead(status, headers).end(text);
};
const done = saying(json(DONE));

async function tell(router: { readonly url: string }, path: string, init: RequestInit = {}) {
  const answer = await fetch(router.url + path, { method: 'POST', body: '{}', ...init });
  const text = await answer.text();
  return { answer, status: answer.status, text, body: text.startsWith('{') ? (JSON.parse(text) as Json) : undefined };
}

const control = ENDPOINTS.filter(({ to }) => to === 'all').map(({ path }) => path.replace(/\{\w+\}/, 'x'));

test('what concerns all servers reaches each of them once, with method, query, body and headers of the client', async () => {
  const seen: string[] = [];
  const noting: Handler = ({ method, url, headers }, response, body) => {
    seen.push(`${method} ${url} ${body} ${headers['content-type']} ${headers['x-mine']}`);
    response.writeHead(200, { 'content-type': 'application/json' }).end(DONE);
  };
  await using one = await fakeWorker(noting);
  await using two = await fakeWorker(noting);
  await using three = await fakeWorker(noting);
  await using router = await testRouter([one.url, two.url, three.url]);
  assert.ok(control.length > 30);
  const headers = { 'content-type': 'application/json', 'x-mine': 'yes' };
  for (const path of control) {
    const { status } = await tell(router, `${path}?a=b`, { body: '{"n": 1}', headers });
    assert.equal(status, 200, path);
    assert.deepEqual(seen.splice(0), Array(3).fill(`POST ${path}?a=b {"n": 1} application/json yes`));
  }
  await tell(router, '/start_profile', { method: 'GET', body: null });
  assert.deepEqual(seen.splice(0), Array(3).fill('GET /start_profile  undefined undefined'));
});

test('where all did it the answer has the fields of the first and what each said', async () => {
  await using one = await fakeWorker(saying(json('{"success":true,"message":"one","ranks":[1]}')));
  await using two = await fakeWorker(saying(json('{"success":true,"message":"two","ranks":[2]}')));
  await using router = await testRouter([one.url, two.url]);
  const { status, body } = await tell(router, '/weights_checker');
  assert.equal(status, 200);
  assert.deepEqual(body, {
    success: true,
    message: 'one',
    ranks: [1],
    workers: [
      { worker: one.url, answer: { success: true, message: 'one', ranks: [1] } },
      { worker: two.url, answer: { success: true, message: 'two', ranks: [2] } },
    ],
  });
});

test('a text, null or no body that all answer is the answer, as one of them gave it', async () => {
  for (const [type, text] of [
    ['text/plain', 'Start profiling.\n'],
    ['application/json', 'null'],
    ['text/plain', ''],
  ] as const) {
    const answer = saying({ status: 200, headers: { 'content-type': type }, text });
    await using one = await fakeWorker(answer);
    await using two = await fakeWorker(answer);
    await using router = await testRouter([one.url, two.url]);
    const told = await tell(router, '/start_profile');
    assert.deepEqual([told.status, told.text, told.answer.headers.get('content-type')], [200, text, type]);
  }
});

test('one worker: its answer as it is, good or bad', async () => {
  await using worker = await fakeWorker((request, response) => {
    const bad = request.url === '/update_weights_from_disk';
    response.writeHead(bad ? 400 : 200, { 'content-type': 'application/json', 'x-own': 'header' });
    response.end(bad ? '{"success": false, "message": "no such folder"}' : '{"message": "paused",  "status": "ok"}');
  });
  await using router = await testRouter([worker.url]);
  const good = await tell(router, '/pause_generation');
  assert.deepEqual([good.status, good.text], [200, '{"message": "paused",  "status": "ok"}']);
  assert.equal(good.answer.headers.get('x-own'), 'header');
  assert.equal(good.answer.headers.get('x-sglang-router-worker'), worker.url);
  assert.ok(good.answer.headers.get('x-request-id'));
  const bad = await tell(router, '/update_weights_from_disk');
  assert.deepEqual([bad.status, bad.text], [400, '{"success": false, "message": "no such folder"}']);
  assert.equal(worker.seen.length, 2, 'and no worker is told twice');
});

test('where one fails, by status, by word or by breaking off, it is 206 with who and how, and nobody is told again', async () => {
  const failures: readonly [Handler, RegExp][] = [
    [saying(json('{"success":false,"message":"no LoRA here"}', 400)), /it answered 400: .*no LoRA here/],
    [saying(json('{"success":false,"message":"quietly"}')), /it answered 200: .*quietly/],
    [saying(json('overloaded', 503)), /it answered 503: overloaded/],
    [({ socket }) => void socket.destroy(), /socket|closed|reset/i],
  ];
  for (const [handler, reason] of failures) {
    await using good = await fakeWorker(done);
    await using bad = await fakeWorker(handler);
    await using router = await testRouter([good.url, bad.url]);
    const { status, body } = await tell(router, '/load_lora_adapter');
    assert.equal(status, 206);
    assert.deepEqual([body?.status, body?.success], ['partial_success', false]);
    assert.equal(body?.message, '/load_lora_adapter: 1 succeeded, 1 failed');
    assert.deepEqual(body?.successful, [good.url]);
    assert.equal(body?.failed[0].worker, bad.url);
    assert.match(body?.failed[0].error, reason);
    assert.deepEqual([good.seen.length, bad.seen.length], [1, 1]);
  }
});

test('where none did it: what they all say, else 502 with what each said', async () => {
  const refusing = (status: number) => fakeWorker(saying(json('{"success":false,"message":"no"}', status)));
  await using one = await refusing(400);
  await using two = await refusing(400);
  await using other = await refusing(500);
  await using alike = await testRouter([one.url, two.url]);
  const same = await tell(alike, '/load_lora_adapter');
  assert.deepEqual([same.status, same.body?.success, same.body?.message], [400, false, 'no']);
  assert.deepEqual(
    same.body?.workers.map(({ worker }: Json) => worker),
    [one.url, two.url],
  );
  await using mixed = await testRouter([one.url, other.url]);
  const { status, body, answer } = await tell(mixed, '/load_lora_adapter');
  assert.deepEqual([status, answer.headers.get('x-smg-error-code')], [502, 'worker_bad_response']);
  assert.deepEqual(
    body?.error.failed.map(({ worker }: Json) => worker),
    [one.url, other.url],
  );
  assert.match(body?.error.message, /no worker did \/load_lora_adapter: .* 400: .* 500: /);
});

test('all are told at the same time, as a collective needs it', async () => {
  const waiting: ServerResponse[] = [];
  const collective: Handler = (_, response) => {
    if (waiting.push(response) === 2) for (const one of waiting) one.end(DONE);
  };
  await using one = await fakeWorker(collective);
  await using two = await fakeWorker(collective);
  await using router = await testRouter([one.url, two.url], ['--max-concurrent-requests', '1']);
  assert.equal((await tell(router, '/update_weights_from_distributed')).status, 200);
});

test('a client that leaves ends the calls to all', async () => {
  let closed = 0;
  const hanging: Handler = (_, response) => void response.on('close', () => closed++);
  await using one = await fakeWorker(hanging);
  await using two = await fakeWorker(hanging);
  await using router = await testRouter([one.url, two.url]);
  const client = new AbortController();
  const asked = tell(router, '/update_weights_from_disk', { signal: client.signal });
  await until(() => one.seen.length + two.seen.length === 2);
  client.abort();
  await assert.rejects(asked);
  await until(() => closed === 2);
  await until(() => router.records.at(-1)?.clientLeft === true);
});

test('it may take as long as any request, and no longer', async () => {
  await using one = await fakeWorker(done);
  await using slow = await fakeWorker(() => {});
  await using router = await testRouter([one.url, slow.url], [], { requestTimeoutMs: 300, retryMaxBackoffMs: 1 });
  const { status, body } = await tell(router, '/update_weights_from_disk');
  assert.equal(status, 206);
  assert.match(body?.failed[0].error, /gave no answer within \d/);
});

test('a body up to the limit goes to all, one beyond is refused before anybody is told', async () => {
  const sizes: number[] = [];
  const sizing: Handler = (_, response, body) => {
    sizes.push(body.length);
    response.end(DONE);
  };
  await using one = await fakeWorker(sizing);
  await using two = await fakeWorker(sizing);
  await using router = await testRouter([one.url, two.url], [], { maxPayloadBytes: 2 ** 22 });
  assert.equal((await tell(router, '/update_weights_from_tensor', { body: 'x'.repeat(2 ** 22) })).status, 200);
  assert.deepEqual(sizes, [2 ** 22, 2 ** 22]);
  assert.equal((await tell(router, '/update_weights_from_tensor', { body: 'x'.repeat(2 ** 22 + 1) })).status, 413);
  assert.equal(sizes.length, 2);
});

test('prefill and decode servers are told alike, a server with ranks once', async () => {
  await using prefill = await fakeWorker(done);
  await using decode = await fakeWorker(done);
  await using pair = await pairRouter([prefill], [decode]);
  assert.equal((await tell(pair, '/pause_generation')).status, 200);
  assert.deepEqual([prefill.seen.length, decode.seen.length], [1, 1]);
  await using ranks = await fakeWorker(done, 0, { '/server_info': '{"dp_size":3}' });
  await using aware = await testRouter([ranks.url], ['--dp-aware']);
  await until(() => aware.router.registry.available().length === 3);
  assert.equal((await tell(aware, '/pause_generation')).status, 200);
  assert.deepEqual(ranks.seen, ['POST /pause_generation']);
});

test('a worker that its breaker took out is told too, one that is away is named in the log, and with nobody there it is 503', async () => {
  await using one = await fakeWorker(done);
  await using two = await fakeWorker(done);
  const gone = await fakeWorker(done);
  await using router = await testRouter([one.url, two.url, gone.url]);
  const { registry } = router.router;
  registry.get(two.url)?.breaker.trip('a test');
  await gone.close();
  registry.get(gone.url)?.lost('connect ECONNREFUSED');
  const { status, body } = await tell(router, '/continue_generation');
  assert.equal(status, 200);
  assert.deepEqual(
    body?.workers.map(({ worker }: Json) => worker),
    [one.url, two.url],
  );
  assert.ok(router.lines.some((line) => line.includes('were not told') && line.includes(gone.url)));
  await using empty = await testRouter([]);
  assert.equal((await tell(empty, '/continue_generation')).status, 503);
});

test('a worker that was removed is told to go on while requests run there, but gets no new weights', async () => {
  const held: ServerResponse[] = [];
  const holding: Handler = ({ url }, response) => {
    if (url === '/generate') held.push(response);
    else response.end(DONE);
  };
  await using one = await fakeWorker(done);
  await using leaving = await fakeWorker(holding);
  await using router = await testRouter([leaving.url]);
  const running = fetch(`${router.url}/generate`, { method: 'POST', body: '{}' });
  await until(() => held.length === 1);
  router.router.registry.add({ url: one.url });
  void router.router.registry.remove(leaving.url);
  while (router.router.registry.available().length < 1) await once(router.router.registry, 'change');
  await tell(router, '/update_weights_from_disk');
  assert.equal((await tell(router, '/continue_generation')).status, 200);
  assert.deepEqual(leaving.seen, ['POST /generate', 'POST /continue_generation']);
  held[0]?.end('{}');
  await running;
});

test('with several models new weights and adapters need the model that they are for', async () => {
  const serving = (name: string) => fakeWorker(done, 0, { '/server_info': `{"served_model_name":"${name}"}` });
  await using a = await serving('a');
  await using b = await serving('b');
  await using router = await testRouter([a.url, b.url]);
  await until(() => router.router.registry.workers.every(({ modelId }) => modelId !== 'unknown'));
  assert.equal((await tell(router, '/update_weights_from_disk')).status, 400);
  assert.equal((await tell(router, '/load_lora_adapter?model=c')).status, 404);
  assert.deepEqual([...a.seen, ...b.seen], []);
  assert.equal((await tell(router, '/load_lora_adapter?model=a')).status, 200);
  assert.equal((await tell(router, '/update_weights_from_disk', { body: '{"model":"b"}' })).status, 200);
  assert.deepEqual([a.seen.length, b.seen.length], [1, 1]);
  assert.equal((await tell(router, '/pause_generation')).status, 200);
  assert.deepEqual([a.seen.length, b.seen.length], [2, 2]);
});

test('what empties the cache of a worker is known to have done so', async () => {
  const lost: string[] = [];
  const workers: FakeWorker[] = [];
  for (let i = 0; i < 2; i++) workers.push(await fakeWorker(done));
  await using bad = await fakeWorker(saying(json('no', 500)));
  await using router = await testRouter([...workers.map(({ url }) => url), bad.url]);
  router.router.registry.on('lost', ({ url }) => lost.push(url));
  await tell(router, '/release_memory_occupation');
  assert.deepEqual(
    lost,
    workers.map(({ url }) => url),
  );
  await tell(router, '/pause_generation');
  assert.equal(lost.length, 2);
  for (const worker of workers) await worker.close();
});

test('the key is needed, and a worker with a key of its own gets that', async () => {
  const keys: (string | undefined)[] = [];
  const noting: Handler = ({ headers }, response) => {
    keys.push(headers.authorization);
    response.end(DONE);
  };
  await using one = await fakeWorker(noting);
  await using router = await testRouter([one.url], ['--api-key', 'secret']);
  assert.equal((await tell(router, '/pause_generation')).status, 401);
  router.router.registry.update(router.router.registry.workers[0] as never, { apiKey: 'own' });
  const headers = { authorization: 'Bearer secret' };
  assert.equal((await tell(router, '/pause_generation', { headers })).status, 200);
  assert.deepEqual(keys, ['Bearer own']);
});

for (const path of ['/flush_cache', '/pause_generation']) {
  test(`many ${path} at once make a bounded number of calls, and are refused beyond it until one is over`, async (t) => {
    const waiting: ServerResponse[] = [];
    const server = createServer(({ url }, response) => {
      if (url === path) waiting.push(response);
      else response.end('{}');
    });
    // All addresses of the loopback: a worker each.
    server.listen(0, '0.0.0.0');
    await once(server, 'listening');
    t.after(() => {
      server.close().closeAllConnections();
    });
    const { port } = server.address() as AddressInfo;
    const workers = Array.from({ length: 200 }, (_, n) => `http://127.0.0.${n + 1}:${port}`);
    await using router = await testRouter(workers, ['--disable-health-check']);
    const first = Array.from({ length: 5 }, () => tell(router, path));
    await until(() => waiting.length === 1_000);
    const refused = await tell(router, path);
    assert.deepEqual([refused.status, refused.answer.headers.get('retry-after')], [429, '1']);
    for (const response of waiting.splice(0)) response.end(DONE);
    await Promise.all(first);
    const next = tell(router, path);
    await until(() => waiting.length === 200);
    for (const response of waiting) response.end(DONE);
    assert.equal((await next).status, 200);
  });
}
