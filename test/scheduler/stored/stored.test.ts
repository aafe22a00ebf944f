import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type FakeWorker, fakeWorker, type Handler } from '../../helpers/fake-worker.ts';
import { type Json, startSim } from '../../helpers/sim.ts';
import { spawnSim } from '../../helpers/spawn-sim.ts';
import { testRouter, until } from '../../helpers/test-router.ts';

const WORKER = 'x-sglang-router-worker';
const KEEPING = ['--enable-response-store'];

async function post(url: string, path: string, body: unknown, init: RequestInit = {}) {
  const answer = await fetch(url + path, { method: 'POST', body: JSON.stringify(body), ...init });
  const text = await answer.text();
  return { status: answer.status, worker: answer.headers.get(WORKER), text, json: () => JSON.parse(text) as Json };
}

/** The id of an answer, streamed or not. */
const idIn = (text: string) => /"id": ?"(resp_\w+)"/.exec(text)?.[1] ?? '';

/** A turn of a chain of responses. */
const turn = (url: string, previous: string | undefined, stream = false) =>
  post(url, '/v1/responses', { model: 'm', input: 'Hi', max_output_tokens: 4, previous_response_id: previous, stream });

/** Four engines that keep their answers, one of which can be killed. */
async function keepingFleet() {
  const mortal = spawnSim(KEEPING);
  const engines = await Promise.all([startSim(KEEPING), startSim(KEEPING), startSim(KEEPING)]);
  const mortalUrl = await mortal.url();
  const urls = [...engines.map(({ url }) => url), mortalUrl];
  return {
    urls,
    mortalUrl,
    kill: async () => {
      mortal.child.kill('SIGKILL');
      await mortal.exited;
    },
    [Symbol.asyncDispose]: async () => {
      for (const engine of engines) await engine[Symbol.asyncDispose]();
      await mortal[Symbol.asyncDispose]();
    },
  };
}

for (const policy of ['round_robin', 'cache_aware'] as const) {
  test(`${policy}: 100 chains of three turns: when a worker dies only its own break, with an engine's own error`, async () => {
    await using fleet = await keepingFleet();
    await using router = await testRouter(fleet.urls, [], { policy });
    const chains = await Promise.all(
      Array.from({ length: 100 }, async (_, n) => {
        const first = await turn(router.url, undefined, n % 2 === 0);
        const second = await turn(router.url, idIn(first.text), n % 3 === 0);
        assert.deepEqual([first.status, second.status], [200, 200], second.text);
        assert.equal(second.worker, first.worker);
        return { worker: first.worker, id: idIn(second.text) };
      }),
    );
    assert.ok(new Set(chains.map(({ worker }) => worker)).size > 1);
    await fleet.kill();
    await Promise.all(
      chains.map(async ({ worker, id }) => {
        const third = await turn(router.url, id);
        if (worker !== fleet.mortalUrl) assert.deepEqual([third.status, third.worker], [200, worker], third.text);
        else assert.deepEqual([third.status, third.json().error.message], [404, `Response with id '${id}' not found.`]);
      }),
    );
  });
}

test('what another router was told is found by asking, and is remembered', async () => {
  await using fleet = await keepingFleet();
  await using before = await testRouter(fleet.urls);
  const first = await turn(before.url, undefined);
  await using router = await testRouter(fleet.urls);
  for (let i = 0; i < 5; i++) {
    const next = await turn(router.url, idIn(first.text));
    assert.deepEqual([next.status, next.worker], [200, first.worker]);
  }
  const stored = await fetch(`${router.url}/v1/responses/${idIn(first.text)}`);
  assert.deepEqual([stored.status, stored.headers.get(WORKER)], [200, first.worker]);
  assert.equal(((await stored.json()) as Json).id, idIn(first.text));
});

test('an id that nobody has is refused by an engine', async () => {
  await using fleet = await keepingFleet();
  await using router = await testRouter(fleet.urls);
  for (const id of ['resp_nobody', '..', 'x'.repeat(500)]) {
    const answer = await turn(router.url, id);
    assert.deepEqual([answer.status, answer.json().error.message], [404, `Response with id '${id}' not found.`]);
  }
  const gone = await fetch(`${router.url}/v1/responses/resp_nobody`);
  assert.deepEqual([gone.status, ((await gone.json()) as Json).error.param], [404, 'response_id']);
});

/** A worker that keeps what is named, and says who it is; others say 404. */
function ownerOf(id: string, more: Handler = (_, response) => void response.end('{}')): Promise<FakeWorker> {
  return fakeWorker((request, response, body) => {
    const asked = request.url?.startsWith('/v1/responses/') ?? false;
    if (asked && !request.url?.includes(id)) response.writeHead(404).end('{"error":{"message":"not here"}}');
    else more(request, response, body);
  });
}

test('a stored response is streamed as its worker sends it', async () => {
  let send: ((text: string) => void) | undefined;
  const streaming: Handler = ({ url }, response) => {
    if (!url?.endsWith('?stream=true')) return void response.end('{"id":"resp_a"}');
    response.writeHead(200, { 'content-type': 'text/event-stream' });
    response.write('data: 1\n\n');
    send = (text) => response.end(text);
  };
  await using one = await ownerOf('resp_b');
  await using two = await ownerOf('resp_a', streaming);
  await using router = await testRouter([one.url, two.url]);
  const answer = await fetch(`${router.url}/v1/responses/resp_a?stream=true`);
  const reader = answer.body?.getReader();
  assert.equal(Buffer.from((await reader?.read())?.value ?? []).toString(), 'data: 1\n\n');
  send?.('data: 2\n\n');
  assert.equal(Buffer.from((await reader?.read())?.value ?? []).toString(), 'data: 2\n\n');
  assert.ok((await reader?.read())?.done);
});

test('whatever is asked of a stored response goes to the worker that keeps it', async () => {
  await using one = await ownerOf(
    'resp_a',
    ({ method, url }, response) => void response.end(`{"got":"${method} ${url}"}`),
  );
  await using two = await ownerOf(
    'resp_b',
    ({ method, url }, response) => void response.end(`{"got":"${method} ${url}"}`),
  );
  await using router = await testRouter([one.url, two.url]);
  for (const id of ['resp_a', 'resp_b']) {
    for (const [method, path] of [
      ['GET', `/v1/responses/${id}?include=x`],
      ['POST', `/v1/responses/${id}/cancel`],
      ['GET', `/v1/responses/${id}/input_items`],
      ['DELETE', `/v1/responses/${id}`],
    ] as const) {
      const answer = await fetch(router.url + path, { method });
      assert.deepEqual(await answer.json(), { got: `${method} ${path}` });
    }
  }
  const unknown = await fetch(`${router.url}/v1/responses/resp_c`);
  assert.deepEqual([unknown.status, await unknown.text()], [404, '{"error":{"message":"not here"}}']);
});

test('a busy owner is asked again and nobody else; one that is gone leaves the request to another', async () => {
  let busy = 2;
  const keeping: Handler = (_, response) => {
    if (busy-- > 0) response.writeHead(503).end('busy');
    else response.end('{"id":"resp_a"}');
  };
  const refusing: Handler = (_, response) => void response.writeHead(404).end('not here');
  await using other = await fakeWorker(refusing);
  await using owner = await ownerOf('resp_a', keeping);
  busy = 0;
  await using router = await testRouter([other.url, owner.url], [], { retryInitialBackoffMs: 1 });
  assert.equal((await fetch(`${router.url}/v1/responses/resp_a`)).status, 200);
  const asked = other.seen.length;
  busy = 2;
  const answer = await turn(router.url, 'resp_a');
  assert.deepEqual([answer.status, answer.worker, other.seen.length], [200, owner.url, asked]);
  router.router.registry.get(owner.url)?.breaker.trip('a test');
  assert.equal((await turn(router.url, 'resp_a')).worker, owner.url, 'whatever its breaker says');
  await owner.close();
  const gone = await turn(router.url, 'resp_a');
  assert.deepEqual([gone.status, gone.text], [404, 'not here']);
});

test('a client that leaves while the owner is looked for ends the search', async () => {
  let closed = 0;
  const hanging: Handler = (_, response) => void response.on('close', () => closed++);
  await using one = await fakeWorker(hanging);
  await using two = await fakeWorker(hanging);
  await using router = await testRouter([one.url, two.url]);
  const client = new AbortController();
  const asked = fetch(`${router.url}/v1/responses/resp_a`, { signal: client.signal });
  await until(() => one.seen.length + two.seen.length === 2);
  client.abort();
  await assert.rejects(asked);
  await until(() => closed === 2);
  assert.deepEqual([...one.seen, ...two.seen], Array(2).fill('GET /v1/responses/resp_a'));
});

test('a session is where it was opened, for requests in it and for its end', async () => {
  const opening =
    (id: string): Handler =>
    ({ url }, response) =>
      void response.end(url === '/open_session' ? JSON.stringify(id) : '{}');
  const workers = await Promise.all(['s0', 's1', 's2'].map((id) => fakeWorker(opening(id))));
  await using router = await testRouter(workers.map(({ url }) => url));
  const opened = [];
  for (const _ of workers) opened.push(await post(router.url, '/open_session', { capacity_of_str_len: 100 }));
  assert.equal(new Set(opened.map(({ worker }) => worker)).size, 3);
  for (const { text, worker } of opened) {
    const id = JSON.parse(text) as string;
    for (let i = 0; i < 2; i++) {
      const inside = await post(router.url, '/generate', { text: 'a', session_params: { id, rid: null } });
      assert.equal(inside.worker, worker);
    }
    assert.equal((await post(router.url, '/v1/chat/completions', { session_params: { id } })).worker, worker);
    assert.equal((await post(router.url, '/close_session', { session_id: id })).worker, worker);
  }
  for (const worker of workers) await worker.close();
});

test('a conversation is where it was begun', async () => {
  const beginning =
    (id: string): Handler =>
    ({ url }, response) =>
      void response.end(JSON.stringify({ id: url === '/v1/conversations' ? id : 'resp_x' }));
  const workers = await Promise.all(['conv_0', 'conv_1', 'conv_2'].map((id) => fakeWorker(beginning(id))));
  await using router = await testRouter(workers.map(({ url }) => url));
  for (const _ of workers) {
    const { text, worker } = await post(router.url, '/v1/conversations', {});
    const { id } = JSON.parse(text) as { id: string };
    for (const conversation of [id, { id }]) {
      assert.equal((await post(router.url, '/v1/responses', { input: 'a', conversation })).worker, worker);
    }
    const items = await fetch(`${router.url}/v1/conversations/${id}/items`);
    assert.equal(items.headers.get(WORKER), worker);
  }
  for (const worker of workers) await worker.close();
});

test('the rank that opened a session is the one that goes on with it', async () => {
  const ranks: (string | undefined)[] = [];
  const noting: Handler = ({ url, headers }, response) => {
    ranks.push(headers['x-data-parallel-rank'] as string | undefined);
    response.end(url === '/open_session' ? '"s"' : '{}');
  };
  await using server = await fakeWorker(noting, 0, { '/server_info': '{"dp_size":4}' });
  await using router = await testRouter([server.url], ['--dp-aware']);
  await until(() => router.router.registry.available().length === 4);
  await post(router.url, '/open_session', {});
  for (let i = 0; i < 5; i++) await post(router.url, '/generate', { text: 'a', session_params: { id: 's' } });
  assert.equal(new Set(ranks).size, 1);
});
