import assert from 'node:assert/strict';
import { METHODS as HTTP_METHODS } from 'node:http';
import { test } from 'node:test';
import { Metrics, type MetricsOptions } from '../../../src/observe/metrics/metrics.ts';
import type { WorkerGauges } from '../../../src/observe/metrics/sources.ts';
import { METRICS } from '../../../src/observe/metrics/table.ts';
import { parseScrape, scraped } from '../../helpers/prometheus.ts';
import { answeredRequest } from '../../helpers/request-record.ts';

const URL_0 = 'http://w0:8000';
const URL_1 = 'http://w1:8000';

function metricsOf(options: Partial<MetricsOptions> = {}): Metrics & Disposable {
  const metrics = new Metrics({ version: '1.2.3', ...options });
  metrics.addWorker(URL_0, 'regular');
  metrics.addWorker(URL_1, 'decode');
  metrics.serve(['qwen']);
  return Object.assign(metrics, { [Symbol.dispose]: () => metrics.close() });
}

const view = (fields: Partial<WorkerGauges> = {}): WorkerGauges => ({
  url: URL_0,
  role: 'regular',
  state: 'ready',
  healthy: true,
  available: true,
  ejected: true,
  running: 3,
  connections: 2,
  indexBlocks: 40,
  stickyKeys: 5,
  breaker: { state: 'half_open', consecutiveFailures: 2, consecutiveSuccesses: 0 },
  ...fields,
});

const scrape = async (metrics: Metrics) => parseScrape(await metrics.render());

test('an idle router has every metric of the table, with its type and help', async () => {
  using metrics = metricsOf();
  const families = await scrape(metrics);
  for (const { name, type, help } of Object.values(METRICS)) {
    assert.equal(families.get(name)?.type, type, name);
    assert.equal(families.get(name)?.help, help, name);
  }
  assert.equal(scraped(families, 'sgl_router_build_info', { version: '1.2.3' }), 1);
  assert.ok(scraped(families, 'process_resident_memory_bytes')! > 1e6);
  assert.ok(scraped(families, 'process_cpu_seconds_total')! > 0);
});

test('a request that ended is counted by route, model, status and worker', async () => {
  using metrics = metricsOf();
  metrics.ended(
    answeredRequest({
      model: 'qwen',
      streams: true,
      queueMs: 20,
      firstByteMs: 300,
      promptTokens: 1_000,
      completionTokens: 50,
      cachedTokens: 600,
      matchedBytes: 3_000,
      promptBytes: 4_000,
    }),
  );
  const families = await scrape(metrics);
  const of = (name: string, labels = {}) => scraped(families, `sgl_router_${name}`, labels);
  const request = { route: '/generate', method: 'POST', model: 'qwen' };
  assert.equal(of('requests_total', { ...request, streaming: 'true' }), 1);
  assert.equal(of('request_duration_seconds_sum', request), 1.5);
  assert.equal(of('request_duration_seconds_bucket', { ...request, le: '1' }), 0);
  assert.equal(of('request_duration_seconds_bucket', { ...request, le: '2.5' }), 1);
  assert.equal(of('http_responses_total', { route: '/generate', status_code: '200', error_code: '' }), 1);
  assert.equal(of('queue_wait_seconds_sum'), 0.02);
  const worker = { worker: URL_0, role: 'regular', model: 'qwen' };
  assert.equal(of('ttft_seconds_sum', worker), 0.3);
  assert.equal(of('prompt_tokens_total', worker), 1_000);
  assert.equal(of('completion_tokens_total', worker), 50);
  assert.equal(of('cache_queried_tokens_total', worker), 1_000);
  assert.equal(of('cache_predicted_tokens_total', worker), 750);
  assert.equal(of('cache_hit_tokens_total', worker), 600);
});

test('an answer that does not tell its cached tokens says nothing of hits', async () => {
  using metrics = metricsOf();
  metrics.ended(answeredRequest({ model: 'qwen', promptTokens: 1_000, matchedBytes: 10, promptBytes: 10 }));
  const families = await scrape(metrics);
  assert.equal(scraped(families, 'sgl_router_prompt_tokens_total', { worker: URL_0 }), 1_000);
  assert.equal(scraped(families, 'sgl_router_cache_queried_tokens_total', { worker: URL_0 }), 0);
  assert.equal(scraped(families, 'sgl_router_cache_predicted_tokens_total', { worker: URL_0 }), 0);
});

test('an answer in one piece has no first-token time', async () => {
  using metrics = metricsOf();
  metrics.ended(answeredRequest({ model: 'qwen', firstByteMs: 900 }));
  assert.equal(scraped(await scrape(metrics), 'sgl_router_ttft_seconds_count', { worker: URL_0 }), 0);
});

test('a client that left is 499, whatever the worker said', async () => {
  using metrics = metricsOf();
  metrics.ended(answeredRequest({ clientLeft: true }));
  assert.equal(scraped(await scrape(metrics), 'sgl_router_http_responses_total', { status_code: '499' }), 1);
});

test('a refused request counts no worker and no wait', async () => {
  using metrics = metricsOf();
  metrics.ended(answeredRequest({ worker: undefined, status: 429, errorCode: 'too_many_requests', attempts: 0 }));
  const families = await scrape(metrics);
  assert.equal(
    scraped(families, 'sgl_router_http_responses_total', { status_code: '429', error_code: 'too_many_requests' }),
    1,
  );
  assert.equal(scraped(families, 'sgl_router_queue_wait_seconds_count'), 0);
});

test('what a worker does is counted where it happens', async () => {
  using metrics = metricsOf();
  const worker = metrics.worker(URL_1);
  worker.chosen('cache_aware', 'match');
  worker.chosen('cache_aware', 'match');
  worker.chosen('cache_aware', 'least_cost');
  worker.answered(200);
  worker.answered(777);
  worker.failed('worker_timeout');
  worker.brokeOff();
  worker.healthChecked(false);
  worker.settled('failure');
  worker.breakerMoved('closed', 'open');
  worker.ejected('/generate');
  metrics.retried(answeredRequest(), 250);
  metrics.retriesExhausted(answeredRequest());
  const families = await scrape(metrics);
  const of = (name: string, labels = {}) => scraped(families, `sgl_router_${name}`, { worker: URL_1, ...labels });
  assert.equal(of('policy_decisions_total', { role: 'decode', policy: 'cache_aware', reason: 'match' }), 2);
  assert.equal(of('processed_requests_total'), 3);
  assert.equal(of('worker_responses_total', { status_code: '200' }), 1);
  assert.equal(of('worker_responses_total', { status_code: '7xx' }), 1);
  assert.equal(of('worker_errors_total', { error_code: 'worker_timeout' }), 1);
  assert.equal(of('upstream_midstream_errors_total'), 1);
  assert.equal(of('worker_health_checks_total', { result: 'failure' }), 1);
  assert.equal(of('cb_outcomes_total', { outcome: 'failure' }), 1);
  assert.equal(of('cb_state_transitions_total', { from: 'closed', to: 'open' }), 1);
  assert.equal(of('worker_ejections_total', { route: '/generate' }), 1);
  assert.equal(scraped(families, 'sgl_router_retries_total', { route: '/generate' }), 1);
  assert.equal(scraped(families, 'sgl_router_retries_exhausted_total', { route: '/generate' }), 1);
  assert.equal(scraped(families, 'sgl_router_retry_backoff_duration_seconds_sum', { attempt: '1' }), 0.25);
});

test('the gaps of a stream are those between its chunks', async () => {
  using metrics = metricsOf();
  const pace = metrics.worker(URL_0).pace();
  for (const nowMs of [100, 112]) pace.chunk(nowMs);
  pace.chunk(132, 3);
  const families = await scrape(metrics);
  const name = 'sgl_router_inter_token_latency_seconds';
  assert.equal(
    scraped(families, `${name}_count`, { worker: URL_0 }),
    4,
    'of three that came at once two came after nothing',
  );
  assert.equal(scraped(families, `${name}_sum`, { worker: URL_0 }), 0.032);
  assert.equal(scraped(families, `${name}_bucket`, { worker: URL_0, le: '0.015' }), 3);
});

test('gauges are read at the scrape', async () => {
  using metrics = metricsOf();
  let inFlight = 5;
  metrics.watch({
    workers: () => [
      view(),
      view({ url: URL_1, role: 'decode', state: 'failed', available: false, indexBlocks: undefined }),
    ],
    inFlight: () => inFlight,
    queued: () => 7,
    connections: () => 9,
    indexBytes: () => 4_096,
    routersHeard: () => 0,
    sources: () => [],
  });
  inFlight = 6;
  const families = await scrape(metrics);
  const of = (name: string, labels = {}) => scraped(families, `sgl_router_${name}`, labels);
  assert.equal(of('requests_in_flight'), 6);
  assert.equal(of('requests_queued'), 7);
  assert.equal(of('client_connections'), 9);
  assert.equal(of('prefix_index_bytes'), 4_096);
  assert.equal(of('running_requests', { worker: URL_0 }), 3);
  assert.equal(of('worker_health', { worker: URL_0 }), 1);
  assert.equal(of('worker_health', { worker: URL_1 }), 0);
  assert.equal(of('worker_ejected', { worker: URL_0 }), 1);
  assert.equal(of('cb_state', { worker: URL_0 }), 2);
  assert.equal(of('cb_consecutive_failures', { worker: URL_0 }), 2);
  assert.equal(of('tree_size', { worker: URL_0 }), 40);
  assert.equal(of('tree_size', { worker: URL_1 }), undefined);
  assert.equal(of('workers', { role: 'decode', state: 'failed' }), 1);
});

test('the series of a removed worker go, and a request that ends later brings none back', async () => {
  using metrics = metricsOf();
  const worker = metrics.worker(URL_0);
  worker.chosen('random', 'random');
  metrics.ended(answeredRequest({ model: 'qwen', promptTokens: 3 }));
  metrics.removeWorker(URL_0);
  worker.answered(200);
  metrics.worker(URL_0).answered(200);
  metrics.worker(URL_0).failed('worker_timeout');
  metrics.ended(answeredRequest({ model: 'qwen', promptTokens: 3 }));
  const text = await metrics.render();
  assert.ok(!text.includes(URL_0), 'no series has its URL');
  assert.ok(text.includes(URL_1));
});

test('a worker that comes back counts anew', async () => {
  using metrics = metricsOf();
  metrics.removeWorker(URL_0);
  metrics.addWorker(URL_0, 'regular');
  metrics.worker(URL_0).answered(200);
  const families = await scrape(metrics);
  assert.equal(scraped(families, 'sgl_router_worker_responses_total', { worker: URL_0, status_code: '200' }), 1);
});

test('no client can make up a label value', async () => {
  using metrics = metricsOf();
  for (let i = 0; i < 100_000; i++) {
    metrics.ended(
      answeredRequest({
        path: `/random/${i}`,
        route: 'other',
        model: `model-${i}`,
        id: `id-${i}`,
        status: 200 + (i % 200),
        promptTokens: 1,
        cachedTokens: 1,
      }),
    );
  }
  const text = await metrics.render();
  assert.ok(!/model-\d|random|id-\d/.test(text));
  assert.ok(text.split('\n').length < 2_000, 'the scrape stays small');
  assert.equal(scraped(parseScrape(text), 'sgl_router_requests_total', { model: 'other' }), 100_000);
});

test('methods that nobody uses, or that a path does not take, have no series of their own', async () => {
  using metrics = metricsOf();
  const { length } = (await metrics.render()).split('\n');
  for (const method of HTTP_METHODS) metrics.ended(answeredRequest({ method, status: 405 }));
  for (const method of HTTP_METHODS) metrics.ended(answeredRequest({ method, route: '/v1/models' }));
  const text = await metrics.render();
  const common = ['DELETE', 'GET', 'HEAD', 'OPTIONS', 'PATCH', 'POST', 'PUT'];
  assert.deepEqual([...new Set(text.match(/(?<=[{,]method=")[^"]+/g))].sort(), [...common, 'other']);
  assert.ok(text.split('\n').length < length + 1_000, 'the scrape stays small');
  const others = { method: 'other', route: '/generate' };
  assert.equal(scraped(parseScrape(text), 'sgl_router_requests_total', others), HTTP_METHODS.length);
});

test('the label model names what workers serve now, and is other for all else', async () => {
  using metrics = metricsOf();
  metrics.ended(answeredRequest({ model: undefined, promptTokens: 1 }));
  metrics.serve(['qwen', 'llama']);
  metrics.ended(answeredRequest({ model: undefined, promptTokens: 10 }));
  metrics.ended(answeredRequest({ model: 'llama', promptTokens: 100 }));
  metrics.serve(['llama']);
  metrics.ended(answeredRequest({ model: 'qwen', promptTokens: 1_000 }));
  const families = await scrape(metrics);
  const tokens = (model: string) => scraped(families, 'sgl_router_prompt_tokens_total', { worker: URL_0, model });
  assert.equal(tokens('llama'), 100);
  assert.equal(tokens('qwen'), undefined);
  assert.equal(tokens('other'), 1_010);
});

test('--prometheus-duration-buckets replace the bounds of durations only', async () => {
  using metrics = metricsOf({ durationBuckets: [2, 4] });
  metrics.ended(answeredRequest({ model: 'qwen' }));
  const families = await scrape(metrics);
  const bounds = families.get('sgl_router_request_duration_seconds')!.samples.map(({ labels }) => labels.le);
  assert.deepEqual(bounds.filter(Boolean), ['2', '4', '+Inf']);
  assert.ok(families.get('sgl_router_ttft_seconds')!.samples.length > 4);
});

test('the names of 0.3.2 stand beside ours, summed over what their labels leave out', async () => {
  using metrics = metricsOf();
  const chat = { path: '/v1/chat/completions', route: '/v1/chat/completions', model: 'qwen' };
  metrics.ended(answeredRequest({ ...chat, streams: true }));
  metrics.ended(answeredRequest({ ...chat, streams: false }));
  metrics.ended(answeredRequest({ worker: undefined, status: 429, errorCode: 'too_many_requests' }));
  metrics.worker(URL_0).chosen('cache_aware', 'match');
  metrics.worker(URL_0).chosen('cache_aware', 'least_cost');
  metrics.watch({
    workers: () => [view()],
    inFlight: () => 0,
    queued: () => 0,
    connections: () => 4,
    indexBytes: () => undefined,
    routersHeard: () => 0,
    sources: () => [],
  });
  const families = await scrape(metrics);
  assert.equal(scraped(families, 'smg_http_requests_total', { method: 'POST', path: chat.route }), 2);
  assert.equal(scraped(families, 'smg_http_request_duration_seconds_count', { path: chat.route }), 2);
  assert.equal(
    scraped(families, 'smg_router_requests_total', { endpoint: 'chat', streaming: 'true', model: 'qwen' }),
    1,
  );
  assert.equal(scraped(families, 'smg_http_rate_limit_total', { result: 'rejected' }), 1);
  assert.equal(scraped(families, 'smg_http_rate_limit_total', { result: 'allowed' }), 2);
  assert.equal(scraped(families, 'smg_worker_selection_total', { policy: 'cache_aware', worker_type: 'regular' }), 2);
  assert.equal(scraped(families, 'smg_worker_health', { worker: URL_0 }), 1);
  assert.ok(
    [...families.keys()].some((name) => name.startsWith('sgl_router_')),
    'our names stay',
  );
});

test('either family of names can be left out; what tells of the process stays', async () => {
  const namesOf = async (names: 'sgl_router' | 'smg') => {
    using metrics = metricsOf({ names });
    return [...(await scrape(metrics)).keys()];
  };
  const [ours, theirs] = [await namesOf('sgl_router'), await namesOf('smg')];
  assert.ok(ours.includes('sgl_router_requests_total') && !ours.some((name) => name.startsWith('smg_')));
  assert.ok(theirs.includes('smg_http_requests_total') && !theirs.some((name) => name.startsWith('sgl_router_')));
  for (const names of [ours, theirs]) assert.ok(names.includes('process_resident_memory_bytes'));
});

test('a sum over workers or models does not fall when one of them goes, and keeps nothing that names it', async () => {
  using metrics = metricsOf();
  const chat = { path: '/v1/chat/completions', route: '/v1/chat/completions', model: 'qwen', worker: URL_0 };
  metrics.addWorker(URL_0, 'regular', 'qwen');
  metrics.worker(URL_0).chosen('cache_aware', 'prefix');
  metrics.worker(URL_0).answered(503);
  metrics.ended(answeredRequest({ ...chat, promptTokens: 7, streams: true, firstByteMs: 5 }));
  const sums = async () => {
    const families = await scrape(metrics);
    const of = (name: string, labels: Record<string, string> = {}) => scraped(families, name, labels);
    return [
      of('smg_worker_selection_total', { model: 'qwen', policy: 'cache_aware' }),
      of('smg_router_upstream_responses_total', { status_code: '503' }),
      of('smg_worker_errors_total', { error_type: 'backend_error' }),
      of('smg_router_tokens_total', { model: 'qwen', token_type: 'input' }),
      of('smg_router_ttft_seconds_count', { model: 'qwen' }),
      of('smg_http_requests_total', { path: chat.route }),
      of('sgl_router_cache_hits_total'),
    ];
  };
  assert.deepEqual(await sums(), [1, 1, 1, 7, 1, 1, 1]);
  metrics.removeWorker(URL_0);
  assert.deepEqual(await sums(), [1, 1, 1, 7, 1, 1, 1]);
  metrics.addWorker(URL_0, 'regular', 'qwen');
  metrics.worker(URL_0).answered(503);
  assert.equal((await sums())[1], 2);
  metrics.serve(['llama']);
  const [selections, , errors, tokens, , requests] = await sums();
  assert.deepEqual([selections, errors, tokens, requests], [undefined, 2, undefined, 1]);
  assert.ok(!(await metrics.render()).includes('model="qwen"'));
});

test('open requests by age, and how many there are', async () => {
  using metrics = metricsOf();
  const now = performance.now();
  const open = [0, 10, 45, 90_000].map((secs) => {
    const record = answeredRequest({ startedMs: now - secs * 1000 });
    metrics.began(record);
    return record;
  });
  const ages = async () => {
    const families = await scrape(metrics);
    const of = (gt: string) => scraped(families, 'smg_http_inflight_request_age_count', { gt });
    return [of('0'), of('30'), of('60'), of('86400'), scraped(families, 'smg_http_connections_active')];
  };
  assert.deepEqual(await ages(), [2, 1, 0, 1, 4]);
  for (const record of open) metrics.ended(record);
  assert.deepEqual(await ages(), [0, 0, 0, 0, 0]);
});

test('errors by their kind, whoever made them', async () => {
  using metrics = metricsOf();
  const ended = (status: number, errorCode?: string, clientLeft = false) =>
    metrics.ended(answeredRequest({ model: 'qwen', route: '/generate', status, errorCode, clientLeft }));
  ended(200);
  ended(400);
  ended(422, 'unprocessable_entity');
  ended(404, 'model_not_found');
  ended(429, 'too_many_requests');
  ended(401, 'unauthorized');
  ended(504, 'worker_timeout');
  ended(503, 'no_usable_workers');
  ended(502, 'worker_died');
  ended(500);
  ended(500, 'internal_error');
  ended(200, 'worker_connection_failed');
  ended(0, undefined, true);
  const families = await scrape(metrics);
  const of = (name: string, type: string) => scraped(families, name, { error_type: type });
  const ours = (type: string) => of('sgl_router_request_errors_total', type);
  const types = ['validation_error', 'unauthorized', 'not_found', 'timeout', 'rate_limited', 'no_workers'];
  assert.deepEqual(types.map(ours), [2, 1, 1, 1, 1, 1]);
  assert.deepEqual([ours('backend_error'), ours('internal_error')], [3, 1]);
  const theirs = (type: string) => of('smg_router_request_errors_total', type);
  assert.deepEqual([...types, 'backend_error', 'internal_error'].map(theirs), [
    2,
    undefined,
    undefined,
    1,
    undefined,
    2,
    3,
    1,
  ]);
});

test('the text of many workers is written in parts, each series once and each help once, while other work goes on', async () => {
  using metrics = metricsOf();
  const urls = Array.from({ length: 300 }, (_, i) => `http://many-${i}`);
  for (const url of urls) {
    metrics.addWorker(url, 'regular');
    metrics.ended(answeredRequest({ worker: url, model: 'qwen', streams: true, firstByteMs: 10 }));
  }
  let turns = 0;
  const count = () => {
    turns++;
    ticking = setImmediate(count);
  };
  let ticking = setImmediate(count);
  const text = await metrics.render();
  clearImmediate(ticking);
  assert.ok(turns >= 10, `${turns} turns`);
  const lines = text.split('\n').filter((line) => line.length > 0);
  assert.equal(new Set(lines.map((line) => line.slice(0, line.lastIndexOf(' ')))).size, lines.length);
  const families = parseScrape(text);
  for (const worker of urls) {
    const labels = { worker, role: 'regular' };
    assert.equal(scraped(families, METRICS.processed.name, labels), 0);
  }
});
