import assert from 'node:assert/strict';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { test } from 'node:test';
import { type FakeWorker, fakeWorker, type Handler } from '../../helpers/fake-worker.ts';
import { pairRouter } from '../../helpers/pair-router.ts';

interface Fields {
  readonly bootstrap_host: unknown;
  readonly bootstrap_port: unknown;
  readonly bootstrap_room: unknown;
}

/** A prefill or decode server that keeps the bodies it gets. */
async function server(handler: Handler): Promise<FakeWorker & { readonly bodies: string[] }> {
  const bodies: string[] = [];
  const worker = await fakeWorker((request, response, body) => {
    bodies.push(String(body));
    handler(request, response, body);
  });
  return Object.assign(worker, { bodies });
}

const post = (url: string, path: string, body: unknown, signal?: AbortSignal) =>
  fetch(url + path, {
    method: 'POST',
    headers: { 'content-type': 'application/json', 'x-override-bootstrap-room': '0' },
    body: typeof body === 'string' ? body : JSON.stringify(body),
    ...(signal && { signal }),
  });

const json = (response: ServerResponse, status: number, value: unknown) => {
  response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(value));
};
const PREFILLED: Handler = (_, response) => json(response, 200, { text: 'f', meta_info: { completion_tokens: 1 } });
const DECODED: Handler = (_, response) => json(response, 200, { text: 'four', meta_info: { completion_tokens: 4 } });

const stream = (response: ServerResponse, text: string) => {
  response.writeHead(200, { 'content-type': 'text/event-stream' }).write(text);
};

/** A handler that never answers; `gone` resolves when its caller has closed the connection. */
function silent(): { handler: Handler; asked: Promise<unknown>; gone: Promise<unknown> } {
  const asked = Promise.withResolvers<unknown>();
  const gone = Promise.withResolvers<unknown>();
  const handler = (request: IncomingMessage) => {
    asked.resolve(undefined);
    request.socket.once('close', gone.resolve);
  };
  return { handler, asked: asked.promise, gone: gone.promise };
}

test('both get the client’s body with one room in it, and decode’s answer is the client’s', async () => {
  const headers: (string | string[] | undefined)[] = [];
  const noting =
    (handler: Handler): Handler =>
    (request, ...rest) => {
      headers.push(request.headers['x-override-bootstrap-room']);
      handler(request, ...rest);
    };
  await using prefill = await server(noting(PREFILLED));
  await using decode = await server(noting(DECODED));
  await using router = await pairRouter([prefill], [decode]);
  const sent = '{"text" : "a",  "unknown": 1e0, "bootstrap_room": -5, "bootstrap_host": null}';
  const answer = await post(router.url, '/generate', sent);
  assert.deepEqual(await answer.json(), { text: 'four', meta_info: { completion_tokens: 4 } });
  assert.equal(answer.headers.get('x-sglang-router-worker'), decode.url);
  assert.equal(answer.headers.get('x-sglang-router-prefill-worker'), prefill.url);
  assert.deepEqual(prefill.bodies, decode.bodies);
  const [body = ''] = decode.bodies;
  assert.match(
    body,
    /^\{"bootstrap_host":"127\.0\.0\.1","bootstrap_port":9001,"bootstrap_room":[1-9]\d*,"text" : "a", {2}"unknown": 1e0\}$/,
  );
  assert.deepEqual(headers, [undefined, undefined]);
});

test('a batch gets lists, as long as it is', async () => {
  await using prefill = await server(PREFILLED);
  await using decode = await server(DECODED);
  await using router = await pairRouter([prefill], [decode]);
  await post(router.url, '/v1/completions', { prompt: ['a', 'b', 'c'] });
  const { bootstrap_host, bootstrap_port, bootstrap_room } = JSON.parse(decode.bodies[0] as string) as Fields;
  assert.deepEqual(bootstrap_host, Array(3).fill('127.0.0.1'));
  assert.deepEqual(bootstrap_port, [9001, 9001, 9001]);
  assert.equal((bootstrap_room as unknown[]).length, 3);
});

test('a prefill server that dies ends decode’s call, and another pair answers', async () => {
  const waits = silent();
  let dead = 0;
  await using dying = await server((request) => {
    dead++;
    request.socket.destroy();
  });
  // On a connection that had served before, it could be one that was closed while idle.
  dying.server.prependListener('request', (_, response) => {
    response.shouldKeepAlive = false;
  });
  await using well = await server(PREFILLED);
  await using decode = await server((...call) =>
    (dead > 0 && decode.bodies.length > 1 ? DECODED : waits.handler)(...call),
  );
  await using router = await pairRouter([dying, well], [decode]);
  const answer = await post(router.url, '/generate', { text: 'a' });
  await waits.gone;
  assert.equal(((await answer.json()) as { text: string }).text, 'four');
  assert.deepEqual([dying.bodies.length, well.bodies.length, decode.bodies.length], [1, 1, 2]);
  assert.notEqual(decode.bodies[0], decode.bodies[1], 'a room is used once');
});

test('a decode server that fails ends prefill’s call, and another pair answers', async () => {
  const waits = silent();
  await using prefill = await server((...call) => (prefill.bodies.length > 1 ? PREFILLED : waits.handler)(...call));
  await using failing = await server((_, response) => json(response, 500, { error: 'x' }));
  await using well = await server(DECODED);
  await using router = await pairRouter([prefill], [failing, well]);
  const answer = await post(router.url, '/generate', { text: 'a' });
  await waits.gone;
  assert.equal(answer.status, 200);
  assert.deepEqual([failing.bodies.length, well.bodies.length], [1, 1]);
});

test('what prefill refuses is the client’s answer, and decode is not waited for', async () => {
  const waits = silent();
  await using prefill = await server((_, response) => json(response, 400, { error: { message: 'too long' } }));
  await using decode = await server(waits.handler);
  await using router = await pairRouter([prefill], [decode]);
  const answer = await post(router.url, '/generate', { text: 'a' });
  await waits.gone;
  assert.equal(answer.status, 400);
  assert.deepEqual(await answer.json(), { error: { message: 'too long' } });
});

test('decode’s status stays what it is', async () => {
  const waits = silent();
  await using prefill = await server(waits.handler);
  await using decode = await server((_, response) => json(response, 429, { error: 'busy' }));
  await using router = await pairRouter([prefill], [decode], ['--policy', 'round_robin', '--disable-retries']);
  const answer = await post(router.url, '/generate', { text: 'a' });
  await waits.gone;
  assert.equal(answer.status, 429);
});

for (const reason of [
  '{"text":"","meta_info":{"finish_reason":{"type":"abort","message":"x","status_code":500}}}',
  '{"error": {"object": "error", "message": "x", "param": null, "code": 500}}',
]) {
  test(`a stream in which prefill says that it failed is tried again: ${reason}`, async () => {
    const waits = silent();
    await using failing = await server((_, response) => {
      stream(response, `data: ${reason}\n\ndata: [DONE]\n\n`);
      response.end();
    });
    await using well = await server(PREFILLED);
    await using decode = await server((...call) => (decode.bodies.length > 1 ? DECODED : waits.handler)(...call));
    await using router = await pairRouter([failing, well], [decode]);
    const answer = await post(router.url, '/generate', { text: 'a', stream: true });
    assert.equal(((await answer.json()) as { text: string }).text, 'four');
    await waits.gone;
  });
}

test('once decode has begun, a prefill server that dies changes nothing', async () => {
  const began = Promise.withResolvers<void>();
  const dead = Promise.withResolvers<void>();
  await using prefill = await server(async (request) => {
    await began.promise;
    request.socket.once('close', () => dead.resolve()).destroy();
  });
  await using decode = await server(async (_, response) => {
    response.writeHead(200, { 'content-type': 'text/event-stream' }).write('data: 1\n\n');
    await dead.promise;
    response.end('data: 2\n\n');
  });
  await using router = await pairRouter([prefill], [decode]);
  const answer = await post(router.url, '/generate', { text: 'a', stream: true });
  began.resolve();
  assert.equal(await answer.text(), 'data: 1\n\ndata: 2\n\n');
});

test('a prefill call that does not end after decode’s answer is ended, and blamed on nobody', async () => {
  const waits = silent();
  await using prefill = await server(waits.handler);
  await using decode = await server(DECODED);
  await using router = await pairRouter([prefill], [decode], ['--cb-failure-threshold', '1']);
  assert.equal((await post(router.url, '/generate', { text: 'a' })).status, 200);
  await waits.gone;
  const [worker] = router.router.registry.workers;
  assert.deepEqual([worker?.url, worker?.load, worker?.breaker.state], [prefill.url, 0, 'closed']);
});

test('a client that leaves ends both calls, and nothing stays counted', async () => {
  const [one, other] = [silent(), silent()];
  await using prefill = await server(one.handler);
  await using decode = await server(other.handler);
  await using router = await pairRouter([prefill], [decode]);
  const left = new AbortController();
  const answer = post(router.url, '/generate', { text: 'a' }, left.signal);
  await Promise.all([one.asked, other.asked]);
  left.abort();
  await assert.rejects(answer);
  await Promise.all([one.gone, other.gone]);
  const { registry, admission } = router.router;
  while (admission.inFlight > 0) await new Promise(setImmediate);
  assert.deepEqual(
    registry.workers.map(({ load }) => load),
    [0, 0],
  );
});

const PROMPT = [[null, 1, null]];
const event = (text: string, logprobs: unknown[]) => ({ text, meta_info: { input_token_logprobs: logprobs } });

test('the prompt’s logprobs come from prefill, whoever answers first', async () => {
  const decoded = Promise.withResolvers<void>();
  await using prefill = await server(async (_, response) => {
    await decoded.promise;
    json(response, 200, event('f', PROMPT));
  });
  await using decode = await server((_, response) => {
    json(response, 200, event('four', []));
    response.once('finish', () => decoded.resolve());
  });
  await using router = await pairRouter([prefill], [decode]);
  const answer = await post(router.url, '/generate', { text: 'a', return_logprob: true });
  assert.deepEqual(await answer.json(), event('four', PROMPT));
});

test('so do those of a stream, in every event, however it is cut', async () => {
  const events = (values: unknown[]) =>
    `${values.map((value) => `data: ${JSON.stringify(value)}\n\n`).join('')}data: [DONE]\n\n`;
  await using prefill = await server((_, response) => {
    response.writeHead(200, { 'content-type': 'text/event-stream' }).end(events([event('f', PROMPT)]));
  });
  await using decode = await server((_, response) => {
    response.writeHead(200, { 'content-type': 'text/event-stream' });
    for (const byte of Buffer.from(events([event('f', []), event('four', [])]))) response.write(Buffer.of(byte));
    response.end();
  });
  await using router = await pairRouter([prefill], [decode]);
  const answer = await post(router.url, '/generate', { text: 'a', return_logprob: true, stream: true });
  assert.equal(await answer.text(), events([event('f', PROMPT), event('four', PROMPT)]));
});

const PARTLY: Handler = (_, response) => stream(response, 'data: {"text":"of the first pair"}\n\n');
const LOGPROBS: Handler = (_, response) => json(response, 200, event('f', PROMPT));
const WITHOUT_LOGPROBS: Handler = (_, response) => json(response, 200, event('four', []));

test('a prefill server that dies with the logprobs leaves no part of decode’s answer to the client', async () => {
  const streaming = Promise.withResolvers<void>();
  await using dying = await server(async (request) => {
    await streaming.promise;
    request.socket.destroy();
  });
  // On a connection that had served before, it could be one that was closed while idle.
  dying.server.prependListener('request', (_, response) => {
    response.shouldKeepAlive = false;
  });
  await using well = await server(LOGPROBS);
  await using decode = await server((...call) => {
    if (decode.bodies.length > 1) return WITHOUT_LOGPROBS(...call);
    PARTLY(...call);
    streaming.resolve();
  });
  await using router = await pairRouter([dying, well], [decode]);
  const answer = await post(router.url, '/generate', { text: 'a', return_logprob: true });
  assert.deepEqual(await answer.json(), event('four', PROMPT));
});

test('nor does a decode server that dies before the logprobs are there', async () => {
  const waits = silent();
  await using prefill = await server((...call) => (prefill.bodies.length > 1 ? LOGPROBS : waits.handler)(...call));
  await using dying = await server((request, response, body) => {
    PARTLY(request, response, body);
    setImmediate(() => response.destroy());
  });
  await using well = await server(WITHOUT_LOGPROBS);
  await using router = await pairRouter([prefill], [dying, well]);
  const answer = await post(router.url, '/generate', { text: 'a', return_logprob: true });
  assert.deepEqual(await answer.json(), event('four', PROMPT));
  await waits.gone;
});

test('what decode refuses does not wait for logprobs', async () => {
  const waits = silent();
  await using prefill = await server(waits.handler);
  await using decode = await server((_, response) => json(response, 400, { error: 'too long' }));
  await using router = await pairRouter([prefill], [decode]);
  const answer = await post(router.url, '/generate', { text: 'a', return_logprob: true });
  assert.deepEqual([answer.status, await answer.json()], [400, { error: 'too long' }]);
  await waits.gone;
});

for (const reason of [
  '{"text":"","meta_info":{"finish_reason":{"type":"abort","message":"Aborted","status_code":null}}}',
  '{"error":{"message":"too long","code":400}}',
]) {
  test(`prefill’s abort is the client’s where no server failed: ${reason}`, async () => {
    const waits = silent();
    const sent = `data: ${reason}\n\ndata: [DONE]\n\n`;
    await using prefill = await server((_, response) => {
      stream(response, sent);
      response.end();
    });
    await using decode = await server(waits.handler);
    await using router = await pairRouter([prefill], [decode]);
    const answer = await post(router.url, '/generate', { text: 'a', stream: true });
    assert.equal(await answer.text(), sent);
    await waits.gone;
    assert.equal(prefill.bodies.length, 1);
  });
}

test('a model that only one of the two roles serves leaves nothing counted', async () => {
  const serving = (model: string) =>
    fakeWorker(DECODED, 0, { '/server_info': JSON.stringify({ served_model_name: model }) });
  await using prefillA = await serving('a');
  await using prefillB = await serving('b');
  await using decode = await serving('a');
  await using router = await pairRouter(
    [prefillA, prefillB],
    [decode],
    ['--policy', 'round_robin', '--queue-timeout-secs', '1'],
  );
  const { registry } = router.router;
  while (new Set(registry.workers.map(({ modelId }) => modelId)).size < 2) await new Promise(setImmediate);
  const answer = await post(router.url, '/generate', { text: 'x', model: 'b' });
  assert.equal(answer.status, 503);
  assert.match(await answer.text(), /no decode worker with model b .*: it serves a/);
  assert.deepEqual(
    registry.workers.map(({ load }) => load),
    [0, 0, 0],
  );
});

test('ranks that a client names are not those of a pair', async () => {
  const named: unknown[] = [];
  await using prefill = await server(PREFILLED);
  await using decode = await server((request, response, body) => {
    named.push(request.headers['x-data-parallel-rank'], request.headers['x-override-routed-dp-rank']);
    DECODED(request, response, body);
  });
  await using router = await pairRouter([prefill], [decode]);
  const headers = { 'x-data-parallel-rank': '1', 'x-override-routed-dp-rank': '1' };
  const body = '{"routed_dp_rank":1,"text":"a","data_parallel_rank":1,"disagg_prefill_dp_rank":0}';
  await (await fetch(`${router.url}/generate`, { method: 'POST', headers, body })).text();
  assert.deepEqual(named, [undefined, undefined]);
  assert.match(
    decode.bodies[0] as string,
    /^\{"bootstrap_host":"127\.0\.0\.1","bootstrap_port":9001,"bootstrap_room":\d+,"text":"a"\}$/,
  );
});

for (const [path, body] of [
  ['/v1/chat/completions', { messages: [], n: 2 }],
  ['/v1/embeddings', { input: 'a' }],
  ['/generate', '[1]'],
  ['/tokenize', { prompt: 'a', bootstrap_room: 7 }],
  ['/tokenize', '{"prompt":"a","bootstrap_r\\u006fom":7}'],
  ['/tokenize', '\u{feff}{"bootstrap_room":7}'],
  ['/tokenize', '{\0"\0b\0"\0:\x001\0}\0'],
  ['/%67enerate', { text: 'a' }],
  ['/vertex%5fgenerate', { parameters: { bootstrap_room: 7 } }],
  ['/encode', { text: 'a' }],
] as const) {
  test(`refused without asking anybody: ${path} ${JSON.stringify(body)}`, async () => {
    await using prefill = await server(PREFILLED);
    await using decode = await server(DECODED);
    await using router = await pairRouter([prefill], [decode]);
    const answer = await post(router.url, path, body);
    assert.equal(answer.status, 400);
    assert.equal(((await answer.json()) as { error: { code: string } }).error.code, 'bad_request');
    assert.deepEqual([prefill.bodies, decode.bodies], [[], []]);
  });
}

test('what needs no pair goes to a decode server alone', async () => {
  await using prefill = await server(PREFILLED);
  await using decode = await server(DECODED);
  await using router = await pairRouter([prefill], [decode]);
  await post(router.url, '/tokenize', { prompt: 'a' });
  assert.deepEqual([prefill.bodies, decode.bodies], [[], ['{"prompt":"a"}']]);
});
