import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { gzipSync } from 'node:zlib';
import { fakeWorker, type Handler } from '../helpers/fake-worker.ts';
import { pairRouter, startPairFleet } from '../helpers/pair-router.ts';
import { rawClient } from '../helpers/raw-client.ts';
import { startSim, type TestSim } from '../helpers/sim.ts';
import { type TestRouter, testRouter, until } from '../helpers/test-router.ts';

const QUICK = ['--retry-initial-backoff-ms', '1'];
const FULL = ['--max-queued-requests', '0'];
const messages = [{ role: 'user', content: 'hi' }];
const BODIES: Readonly<Record<string, object>> = {
  '/generate': { text: 'hi', sampling_params: { max_new_tokens: 2 } },
  '/v1/chat/completions': { messages, max_tokens: 2 },
  '/v1/completions': { prompt: 'hi', max_tokens: 2 },
  '/v1/messages': { messages, max_tokens: 2 },
  '/v1/responses': { input: 'hi', max_output_tokens: 2 },
};
const PATHS = Object.keys(BODIES);

const ask = (url: string, path: string, body: object = {}) =>
  fetch(url + path, { method: 'POST', body: JSON.stringify({ stream: true, ...BODIES[path], ...body }) });

async function sims(t: TestContext, ...flags: readonly (readonly string[])[]): Promise<TestSim[]> {
  const started = await Promise.all(flags.map((each) => startSim(each)));
  t.after(() => Promise.all(started.map((sim) => sim[Symbol.asyncDispose]())));
  return started;
}

const countOf = async ({ router, url }: TestRouter, metric: string) => {
  assert.ok(router);
  const text = await (await fetch(`${url}/metrics`)).text();
  return text.split('\n').filter((line) => line.startsWith(`${metric}{`));
};

test('a stream that a full engine refuses with an event is answered by another, on every path', async (t) => {
  const [full, free] = (await sims(t, FULL, [])) as [TestSim, TestSim];
  await using router = await testRouter([full.url, free.url], QUICK);
  for (const path of PATHS) {
    for (let i = 0; i < 2; i++) {
      const answer = await ask(router.url, path);
      assert.equal(answer.headers.get('x-sglang-router-worker'), free.url, path);
      assert.doesNotMatch(await answer.text(), /queue is full/, path);
    }
  }
  const full503 = (await countOf(router, 'sgl_router_worker_responses_total')).filter((line) =>
    line.includes(full.url),
  );
  assert.ok(
    full503.some((line) => line.includes('status_code="503"')),
    full503.join('\n'),
  );
  assert.ok(!full503.some((line) => line.includes('status_code="200"')), full503.join('\n'));
  await until(() => router.records.length >= 2 * PATHS.length);
  const streamed = router.records.filter(({ path }) => PATHS.includes(path));
  assert.deepEqual([...new Set(streamed.map(({ errorEvent }) => errorEvent))], [undefined]);
});

test('when nobody else may be asked the client gets the event as it came, and the record says so', async (t) => {
  const [full] = (await sims(t, FULL)) as [TestSim];
  await using router = await testRouter([full.url], ['--disable-retries', '--cb-failure-threshold', '1']);
  for (const path of PATHS) {
    const strip = (text: string) =>
      text.replaceAll(/"(?:id|e2e_latency|created_at|response_sent_to_client_ts)":[^,}]+/g, '');
    const [routed, direct] = [await ask(router.url, path), await ask(full.url, path)];
    assert.equal(routed.status, 200);
    assert.equal(strip(await routed.text()), strip(await direct.text()), path);
  }
  await until(() => router.records.length === PATHS.length);
  // The responses API tells it in words alone.
  assert.deepEqual(
    router.records.map(({ status, errorEvent }) => [status, errorEvent]),
    [503, 503, 503, 529, 503].map((status) => [200, status]),
  );
  const events = await countOf(router, 'sgl_router_upstream_error_events_total');
  assert.equal(events.length, 2, events.join('\n'));
  // All of them speak of load, none of the worker.
  assert.equal(router.router.registry.workers[0]?.breaker.state, 'closed');
});

test('what is refused so takes no worker out, and teaches no policy how fast it is', async (t) => {
  const [full] = (await sims(t, FULL)) as [TestSim];
  await using router = await testRouter([full.url], ['--disable-retries', '--cb-failure-threshold', '1']);
  for (let i = 0; i < 5; i++) await (await ask(router.url, '/generate')).text();
  const [worker] = router.router.registry.workers;
  assert.equal(worker?.available, true);
  assert.equal(worker.targets[0]?.firstBytes.recent.length, 0);
});

const stream =
  (write: (response: Parameters<Handler>[1]) => void, headers: Record<string, string> = {}): Handler =>
  (_, response) => {
    response.writeHead(200, { 'content-type': 'text/event-stream', ...headers });
    write(response);
  };
const ERROR = 'data: {"error":{"message":"no","code":500}}\n\n';

test('an error event in pieces, behind comments, is one all the same', async () => {
  const pieces = [...`\ufeff: hello\r\n\r\n${ERROR.replaceAll('\n', '\r\n')}`];
  await using bad = await fakeWorker(
    stream(async (response) => {
      for (const piece of pieces) await new Promise((resolve) => response.write(piece, resolve));
      response.end('data: [DONE]\n\n');
    }),
  );
  await using good = await fakeWorker(stream((response) => response.end('data: {"text":"good"}\n\n')));
  await using router = await testRouter([bad.url, good.url], QUICK);
  for (let i = 0; i < 2; i++) assert.match(await (await ask(router.url, '/generate')).text(), /good/);
  assert.ok(bad.seen.length > 0);
});

test('a good first event leaves at once, and comments that nothing follows soon', async () => {
  for (const first of ['data: {"text":"one","output_ids":[1]}\n\n', 'data: {"id":"1","choi', ': waiting\n\n']) {
    await using worker = await fakeWorker(stream((response) => void response.write(first)));
    await using router = await testRouter([worker.url]);
    using client = await rawClient(router.url);
    client.send('POST /generate HTTP/1.1\r\nhost: x\r\ncontent-length: 2\r\n\r\n{}');
    assert.ok((await client.until(/(one|choi|waiting)/)).includes(first));
  }
});

test('a compressed stream is left alone', async () => {
  await using worker = await fakeWorker(
    stream((response) => response.end(gzipSync(ERROR)), { 'content-encoding': 'gzip' }),
  );
  await using router = await testRouter([worker.url], QUICK);
  assert.equal(await (await ask(router.url, '/generate')).text(), ERROR);
  assert.equal(worker.seen.length, 1);
});

test('an error event later in a stream is counted, and blamed by its status', async () => {
  const later: readonly (readonly [event: string, status: number, state: string])[] = [
    [ERROR, 500, 'open'],
    ['data: {"error": {"code": 503}}\n\n', 503, 'closed'],
    [
      'event: error\ndata: {"type":"error","error":{"type":"overloaded_error"}}\n\nevent: message_stop\ndata: {}\n\n',
      529,
      'closed',
    ],
    [
      'data: {"text":"a","output_ids":[1],"meta_info":{"finish_reason":{"type":"abort","status_code":500}}}\n\n',
      500,
      'open',
    ],
  ];
  for (const [event, status, state] of later) {
    await using worker = await fakeWorker(
      stream((response) => {
        response.write('data: {"text":"one","output_ids":[1]}\n\n');
        response.write(event);
        response.end('data: [DONE]\n\n');
      }),
    );
    await using router = await testRouter([worker.url], ['--cb-failure-threshold', '1']);
    assert.match(await (await ask(router.url, '/generate')).text(), /one.*\[DONE\]/s);
    await until(() => router.records.length > 0);
    assert.equal(router.records[0]?.errorEvent, status);
    assert.equal(router.router.registry.workers[0]?.breaker.state, state, event);
    assert.equal((await countOf(router, 'sgl_router_upstream_error_events_total')).length, 1);
  }
});

test('a model that writes of errors makes none', async () => {
  const events = [
    'data: {"text":"data: {\\"error\\": {\\"code\\": 500}}","output_ids":[1]}\n\n',
    'event: response.completed\ndata: {"type":"response.completed","response":{"error":null}}\n\n',
  ];
  await using worker = await fakeWorker(stream((response) => response.end(events.join(''))));
  await using router = await testRouter([worker.url]);
  assert.equal(await (await ask(router.url, '/generate')).text(), events.join(''));
  await until(() => router.records.length > 0);
  assert.equal(router.records[0]?.errorEvent, undefined);
});

test('a decode server that refuses with an event: another pair answers', async () => {
  await using fleet = await startPairFleet({ prefills: 1, decodes: 1 });
  await using full = await fakeWorker(stream((response) => response.end(ERROR.replace('500', '503'))));
  const prefills = fleet.prefills.map(({ url, lines }) => ({
    url,
    bootstrapPort: Number(/Bootstrap server running on http:\/\/\S+:(\d+)/.exec(lines.join('\n'))?.[1]),
  }));
  await using router = await pairRouter(prefills, [full, ...fleet.decodes]);
  for (let i = 0; i < 4; i++) {
    const text = await (await ask(router.url, '/generate')).text();
    assert.match(text, /"completion_tokens":2.*\[DONE\]/s);
  }
  assert.ok(full.seen.length > 0);
});

test('a prefill server that refuses with an event: another pair answers, and with none the client gets it', async () => {
  await using fleet = await startPairFleet({ prefills: 1, decodes: 1, flags: ['--policy', 'round_robin'] });
  await using full = await fakeWorker(stream((response) => response.end(ERROR.replace('500', '503'))));
  const [prefill] = fleet.prefills;
  const port = Number(/Bootstrap server running on http:\/\/\S+:(\d+)/.exec(prefill?.lines.join('\n') ?? '')?.[1]);
  await using router = await pairRouter([full, { url: prefill?.url ?? '', bootstrapPort: port }], fleet.decodes);
  for (let i = 0; i < 4; i++) {
    assert.match(await (await ask(router.url, '/generate')).text(), /"completion_tokens":2.*\[DONE\]/s);
  }
  assert.ok(full.seen.length > 0);
  await using alone = await pairRouter([full], fleet.decodes, ['--policy', 'round_robin', '--disable-retries']);
  const answer = await ask(alone.url, '/generate');
  assert.deepEqual([answer.status, await answer.text()], [200, ERROR.replace('500', '503')]);
});
