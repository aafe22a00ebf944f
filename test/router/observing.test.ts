import assert from 'node:assert/strict';
import { mkdtemp, readdir, readFile, truncate, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import { readTraceparent } from '../../src/observe/tracing/trace-context.ts';
import { httpCollector } from '../helpers/collector.ts';
import { answering, type FakeWorker, fakeWorker } from '../helpers/fake-worker.ts';
import { parseScrape, scraped } from '../helpers/prometheus.ts';
import { type Json, startSim } from '../helpers/sim.ts';
import { freePort, type RouterProcess, spawnRouter } from '../helpers/spawn-router.ts';

const NEXT_DAY = new URL('../fixtures/next-day.ts', import.meta.url).href;
const KEY = 'sk-router-7f3a';
const WORKER_KEY = 'sk-worker-91cc';

const before = (workers: readonly { readonly url: string }[], ...flags: string[]) =>
  spawnRouter([...flags, '--worker-urls', ...workers.map(({ url }) => url)]);

const post = (url: string, body: unknown, headers: Record<string, string> = {}) =>
  fetch(url, { method: 'POST', body: JSON.stringify(body), headers });

/** Lines wait a tenth of a second. */
async function lineOf(router: RouterProcess, id: string): Promise<Json> {
  for (;;) {
    const line = router.lines.find((one) => one.includes(`"${id}"`));
    if (line) return JSON.parse(line);
    await delay(5);
  }
}

test('each request has one line at info, probes have none; all have an id', async () => {
  await using sim = await startSim(['--served-model-name', 'qwen']);
  await using router = await before([sim]);
  const prompt = 'words that are nobody’s business';
  await fetch(`${router.url}/health`, { headers: { 'x-request-id': 'probe' } });
  const body = { text: prompt, sampling_params: { max_new_tokens: 3 }, stream: true };
  const answer = await post(`${router.url}/generate?secret=1`, body, { 'x-request-id': 'mine' });
  await answer.text();
  const line = await lineOf(router, 'mine');
  const { total_ms, ttft_ms, queue_ms, time, answer_bytes, ...rest } = line;
  assert.deepEqual(rest, {
    level: 'info',
    message: 'request',
    id: 'mine',
    method: 'POST',
    path: '/generate',
    status: 200,
    model: 'qwen',
    worker: sim.url,
    policy: 'cache_aware',
    reason: rest.reason,
    matched_bytes: 0,
    attempts: 1,
    prompt_tokens: rest.prompt_tokens,
    cached_tokens: 0,
    completion_tokens: 3,
    request_bytes: Buffer.byteLength(JSON.stringify(body)),
  });
  assert.ok(total_ms >= ttft_ms && queue_ms === 0 && answer_bytes > 0 && rest.prompt_tokens > 0);
  const lost = await post(`${router.url}/workers/nobody`, {}, { 'x-request-id': 'lost' });
  assert.equal(lost.headers.get('x-request-id'), 'lost');
  assert.equal((await lineOf(router, 'lost')).error, 'method_not_allowed');
  const all = router.lines.join('\n');
  assert.doesNotMatch(all, /nobody’s business|secret=1|"probe"/);
});

test('at debug probes have their lines, at warning requests have none', async () => {
  await using worker = await fakeWorker(answering('{}'));
  {
    await using router = await before([worker], '--log-level', 'debug');
    await fetch(`${router.url}/health`, { headers: { 'x-request-id': 'probe' } });
    assert.equal((await lineOf(router, 'probe')).level, 'debug');
  }
  await using router = await before([worker], '--log-level', 'warning');
  await post(`${router.url}/generate`, {}, { 'x-request-id': 'mine' });
  router.child.kill('SIGTERM');
  await router.exited;
  assert.ok(!router.lines.some((line) => line.includes('mine')));
});

test("an id goes to the worker and back: the client's, or one of the router's", async () => {
  const ids: unknown[] = [];
  await using worker = await fakeWorker(({ headers }, response) => {
    ids.push(headers['x-request-id']);
    response.writeHead(200, { 'x-request-id': 'made up by the worker' }).end('{}');
  });
  await using router = await before(
    [worker],
    ...['--request-id-headers', 'x-my-id', 'x-request-id'],
    ...['--max-payload-size', '100'],
  );
  const ask = async (headers: Record<string, string>, path = '/generate') =>
    (await post(router.url + path, {}, headers)).headers.get('x-request-id');
  assert.equal(await ask({ 'x-my-id': 'a', 'x-request-id': 'b' }), 'a');
  assert.equal(await ask({ 'x-request-id': 'b' }), 'b');
  assert.match((await ask({ 'x-correlation-id': 'c' })) ?? '', /^gnt-[A-Za-z0-9]{24}$/);
  assert.match((await ask({}, '/v1/chat/completions')) ?? '', /^chatcmpl-/);
  assert.match((await ask({ 'x-my-id': 'no ids have spaces' })) ?? '', /^gnt-/);
  const large = await post(`${router.url}/generate`, { text: 'x'.repeat(200) }, { 'x-my-id': 'l' });
  assert.deepEqual([large.status, large.headers.get('x-request-id')], [413, 'l']);
  assert.deepEqual(ids.slice(0, 2), ['a', 'b']);
  assert.match(String(ids[3]), /^chatcmpl-/);
  assert.equal((await fetch(`${router.url}/health`, { headers: { 'x-my-id': 'h' } })).headers.get('x-request-id'), 'h');
});

test('pages of allowed origins may call, after a preflight without key or worker; what workers say of it is left out', async () => {
  await using worker = await fakeWorker((_, response) => {
    response.writeHead(200, { 'access-control-allow-origin': '*', vary: 'Origin' }).end('{}');
  });
  const page = 'https://chat.example.com';
  await using router = await before([worker], '--api-key', KEY, '--cors-allowed-origins', page);
  const preflight = (origin: string) =>
    fetch(`${router.url}/v1/chat/completions`, {
      method: 'OPTIONS',
      headers: { origin, 'access-control-request-method': 'POST', 'access-control-request-headers': 'authorization' },
    });
  const allowed = await preflight(page);
  assert.equal(allowed.status, 204);
  assert.equal(allowed.headers.get('access-control-allow-origin'), page);
  assert.equal(allowed.headers.get('access-control-allow-headers'), 'authorization');
  assert.match(allowed.headers.get('access-control-allow-methods') ?? '', /POST/);
  assert.equal((await preflight('https://evil.example')).headers.get('access-control-allow-origin'), null);
  assert.deepEqual(worker.seen, []);
  const ask = (origin: string, key = KEY) =>
    post(`${router.url}/generate`, {}, { origin, authorization: `Bearer ${key}` });
  assert.equal((await ask(page)).headers.get('access-control-allow-origin'), page);
  assert.equal((await ask('https://evil.example')).headers.get('access-control-allow-origin'), null);
  const refused = await ask(page, 'wrong');
  assert.deepEqual([refused.status, refused.headers.get('access-control-allow-origin')], [401, page]);
  assert.equal(
    (await fetch(`${router.url}/health`, { headers: { origin: page } })).headers.get('access-control-allow-origin'),
    page,
  );
});

/** Tells its key wherever it can. */
function talkative(): Promise<FakeWorker> {
  const info = JSON.stringify({ api_key: WORKER_KEY, max_total_num_tokens: 1_000, served_model_name: 'qwen' });
  return fakeWorker((_, response) => response.writeHead(500).end(WORKER_KEY), 0, {
    '/server_info': info,
    '/model_info': info,
  });
}

test('no key is in a log, a metric or a page, and a file has the same lines', async () => {
  await using worker = await talkative();
  const logDir = await mkdtemp(join(tmpdir(), 'router-log-'));
  const flags = ['--log-level', 'debug', '--log-dir', logDir, '--disable-retries', '--prometheus-port', '0'];
  await using router = await spawnRouter([...flags, '--api-key', KEY]);
  const key = { authorization: `Bearer ${KEY}` };
  const added = await post(`${router.url}/add_worker`, { url: worker.url, api_key: WORKER_KEY }, key);
  assert.equal(added.status, 200);
  const asked = await post(`${router.url}/generate?api_key=${KEY}`, { text: KEY }, { ...key, 'x-request-id': 'mine' });
  assert.equal(asked.status, 500);
  await post(`${router.url}/a/path/with/${KEY}`, {}, key);
  await post(`${router.url}/generate`, {}, { authorization: 'Bearer sk-wrong' });
  const pages = ['/metrics', '/workers', '/list_workers', '/readiness', '/server_info', '/model_info', '/get_loads'];
  for (const page of pages) {
    const text = await (await fetch(router.url + page, { headers: key })).text();
    assert.ok(!text.includes(KEY) && !text.includes(page === '/get_loads' ? KEY : WORKER_KEY), `${page}: ${text}`);
  }
  await lineOf(router, 'mine');
  router.child.kill('SIGTERM');
  assert.equal((await router.exited).code, 0);
  const [file = ''] = await readdir(logDir);
  assert.match(file, /^sgl-router\.\d{4}-\d\d-\d\d\.log$/);
  const text = await readFile(join(logDir, file), 'utf8');
  const written = text
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line));
  assert.ok(written.some(({ message, id }) => message === 'request' && id === 'mine'));
  assert.ok(written.some(({ message }) => /router listens/.test(message)));
  for (const secret of [KEY, WORKER_KEY, 'sk-wrong']) {
    assert.ok(!text.includes(secret) && !router.lines.join('\n').includes(secret), secret);
  }
});

test('a running router begins another log file when one is full, and when the day is over; two weeks stay', async () => {
  const logDir = await mkdtemp(join(tmpdir(), 'router-log-'));
  const day = (days: number) => new Date(Date.now() + days * 86_400_000).toISOString().slice(0, 10);
  const today = day(0);
  const name = (date: string, part = '') => `sgl-router.${date}${part}.log`;
  for (let ago = 20; ago > 0; ago--) await writeFile(join(logDir, name(day(-ago))), 'old\n');
  await writeFile(join(logDir, name(today)), '');
  await truncate(join(logDir, name(today)), 100 * 2 ** 20);
  await using worker = await fakeWorker(answering('{}'));
  const flags = ['--log-dir', logDir, '--worker-urls', worker.url];
  await using router = await spawnRouter(flags, { NODE_OPTIONS: `--import=${NEXT_DAY}` });
  await post(`${router.url}/generate`, {}, { 'x-request-id': 'today' });
  await lineOf(router, 'today');
  router.child.kill('SIGWINCH');
  // The signal is handled by the time that this is answered: both wait in the same loop.
  await post(`${router.url}/generate`, {}, { 'x-request-id': 'between' });
  await lineOf(router, 'between');
  await post(`${router.url}/generate`, {}, { 'x-request-id': 'tomorrow' });
  await lineOf(router, 'tomorrow');
  router.child.kill('SIGTERM');
  assert.equal((await router.exited).code, 0);
  assert.match(await readFile(join(logDir, name(today, '.1')), 'utf8'), /"today"/);
  assert.match(await readFile(join(logDir, name(day(1))), 'utf8'), /"tomorrow"/);
  const left = (await readdir(logDir)).sort();
  assert.deepEqual([left.length, left.at(-1)], [14, name(day(1))]);
});

test('whatever paths, models and ids clients send, the series stay few', async () => {
  await using sim = await startSim(['--served-model-name', 'qwen']);
  await using router = await before([sim], '--log-level', 'warning');
  const burst = async (round: number) => {
    const asked = Array.from({ length: 100 }, (_, i) => {
      const name = `${round}-${i}-${Math.random()}`;
      const path = i % 2 ? `/no/such/${name}` : '/v1/completions';
      return post(router.url + path, { model: name, prompt: name, max_tokens: 1 }, { 'x-request-id': name });
    });
    for (const answer of await Promise.all(asked)) await answer.text();
  };
  for (let round = 0; round < 6; round++) await burst(round);
  const text = await (await fetch(`${router.url}/metrics`)).text();
  // One histogram for each of so many names would be 15,000 lines.
  assert.ok(text.split('\n').length < 1_000, `${text.split('\n').length} lines`);
  const routes = new Set([...text.matchAll(/route="([^"]*)"/g)].map(([, route]) => route));
  assert.deepEqual(routes, new Set(['other', '/v1/completions', '/health', '/readiness']));
});

test('a scrape is clean and says what was: on its own port without a key, on the main one with it', async () => {
  await using sim = await startSim(['--served-model-name', 'qwen', '--enable-cache-report']);
  const metricsPort = String(await freePort());
  await using router = await before([sim], '--api-key', KEY, '--prometheus-port', metricsPort);
  const key = { authorization: `Bearer ${KEY}` };
  const prompt = 'the same words again and again '.repeat(100);
  const body = { model: 'whatever', messages: [{ role: 'user', content: prompt }], max_tokens: 5, stream: true };
  const usage = { stream_options: { include_usage: true } };
  await post(`${router.url}/generate`, {}, { authorization: 'Bearer wrong' });
  assert.equal((await fetch(`${router.url}/metrics`)).status, 401);
  for (let i = 0; i < 2; i++)
    await (await post(`${router.url}/v1/chat/completions`, { ...body, ...usage }, key)).text();
  const families = parseScrape(await (await fetch(`http://127.0.0.1:${metricsPort}/metrics`)).text());
  const of = (name: string, labels: Record<string, string> = {}) => scraped(families, `sgl_router_${name}`, labels);
  const worker = { worker: sim.url };
  const chat = { route: '/v1/chat/completions' };
  assert.equal(of('requests_total', { ...chat, method: 'POST', model: 'qwen', streaming: 'true' }), 2);
  assert.equal(of('http_responses_total', { route: '/generate', status_code: '401', error_code: 'unauthorized' }), 1);
  assert.equal(of('ttft_seconds_count', worker), 2);
  assert.ok(of('inter_token_latency_seconds_count', worker)! > 0);
  assert.equal(of('completion_tokens_total', worker), 10);
  const [queried, predicted, hit] = ['queried', 'predicted', 'hit'].map(
    (what) => of(`cache_${what}_tokens_total`, worker)!,
  );
  assert.ok(hit! > 0.4 * queried! && Math.abs(predicted! - hit!) < 0.1 * queried!, `${queried} ${predicted} ${hit}`);
  assert.equal(of('processed_requests_total', worker), 2);
  assert.equal(of('worker_responses_total', { ...worker, status_code: '200' }), 2);
  assert.equal(of('cb_outcomes_total', { ...worker, outcome: 'success' }), 2);
  assert.ok(of('worker_health_checks_total', { ...worker, result: 'success' })! >= 1);
  assert.equal(of('worker_health', worker), 1);
  assert.equal(of('workers', { state: 'ready' }), 1);
  assert.equal(of('requests_in_flight'), 0);
  assert.ok(of('tree_size', worker)! > 0 && of('prefix_index_bytes')! > 0);
  assert.equal(scraped(families, 'smg_worker_health', worker), 1);
  // That of the scrape itself, of which data threads tell a little later.
  for (let connections = 0; connections < 1; ) {
    const onMain = parseScrape(await (await fetch(`${router.url}/metrics`, { headers: key })).text());
    connections = scraped(onMain, 'sgl_router_client_connections') ?? 0;
  }
});

test('retries, broken answers and breakers are counted, and a worker that goes takes its series with it', async () => {
  let asked = 0;
  await using worker = await fakeWorker((_, response) => {
    if (asked++ < 2) response.writeHead(503).end();
    else {
      response.writeHead(200, { 'content-type': 'text/event-stream' });
      response.write('data: {}\n\n', () => response.destroy());
    }
  });
  await using router = await before([worker], '--cb-failure-threshold', '1', '--retry-initial-backoff-ms', '1');
  await (await post(`${router.url}/generate`, { stream: true })).text();
  const scrape = async () => parseScrape(await (await fetch(`${router.url}/metrics`)).text());
  const families = await scrape();
  const of = (name: string, labels: Record<string, string> = {}) => scraped(families, `sgl_router_${name}`, labels);
  const { url } = worker;
  assert.equal(of('retries_total', { route: '/generate' }), 2);
  assert.equal(of('worker_responses_total', { worker: url, status_code: '503' }), 2);
  assert.equal(of('upstream_midstream_errors_total', { worker: url }), 1);
  assert.equal(of('cb_state', { worker: url }), 1);
  assert.equal(of('cb_state_transitions_total', { worker: url, from: 'closed', to: 'open' }), 1);
  const broken = { status_code: '200', error_code: 'worker_connection_failed' };
  assert.equal(of('http_responses_total', broken), 1);
  await fetch(`${router.url}/remove_worker?url=${url}`, { method: 'POST' });
  const later = await scrape();
  assert.ok(![...later.values()].some(({ samples }) => samples.some(({ labels }) => labels.worker === url)));
});

test("a collector gets the request below the client's span, and the worker its attempt's", async () => {
  await using collector = await httpCollector();
  const seen: (string | string[] | undefined)[] = [];
  await using worker = await fakeWorker(({ headers }, response) => {
    seen.push(headers.traceparent);
    response.end('{}');
  });
  await using router = await before([worker], '--enable-trace', '--otlp-traces-endpoint', collector.endpoint);
  const [trace, span] = ['0af7651916cd43dd8448eb211c80319c', 'b7ad6b7169203331'];
  await post(`${router.url}/generate`, {}, { traceparent: `00-${trace}-${span}-01` });
  const ours = () => collector.spans.filter(({ traceId }) => traceId === trace);
  while (ours().length < 2) await collector.received(collector.spans.length + 1);
  const server = ours().find(({ kind }) => kind === 2);
  const attempt = ours().find(({ kind }) => kind === 3);
  assert.equal(server?.parentSpanId, span);
  assert.equal(attempt?.parentSpanId, server?.spanId);
  const context = readTraceparent(seen[0] as string);
  assert.deepEqual([seen.length, context?.traceId, context?.spanId], [1, trace, attempt?.spanId]);
});

test('without tracing the context of the client is passed on as it is', async () => {
  const seen: unknown[] = [];
  await using worker = await fakeWorker(({ headers }, response) => {
    seen.push(headers.traceparent);
    response.end('{}');
  });
  await using router = await before([worker]);
  const traceparent = '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01';
  await post(`${router.url}/generate`, {}, { traceparent });
  assert.deepEqual(seen, [traceparent]);
});
