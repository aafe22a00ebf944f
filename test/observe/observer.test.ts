import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createRequestIds } from '../../src/http/request-id.ts';
import { Metrics } from '../../src/observe/metrics/metrics.ts';
import { Observer } from '../../src/observe/observer.ts';
import type { RequestRecord } from '../../src/observe/request-record.ts';
import type { Span } from '../../src/observe/tracing/span.ts';
import { Tracer } from '../../src/observe/tracing/tracer.ts';
import { parseScrape, scraped } from '../helpers/prometheus.ts';

const [W0, W1] = ['http://w0:1', 'http://w1:1'];
const USAGE = { promptTokens: undefined, completionTokens: undefined, cachedTokens: undefined };
const FAILED = { verdict: 'failure', usage: USAGE } as const;
const BROKEN = 'worker_connection_failed';
const CHOSEN = { policy: 'cache_aware', reason: 'match', matchedBytes: 10, promptBytes: 20 };

function observing(traced = false) {
  const metrics = new Metrics({ version: '1' });
  for (const url of [W0, W1]) metrics.addWorker(url, 'regular');
  metrics.serve(['qwen']);
  const records: RequestRecord[] = [];
  const spans: Span[] = [];
  const observer = new Observer({
    metrics,
    access: (record) => records.push(record),
    tracer: traced ? new Tracer((span) => spans.push(span)) : undefined,
    requestIds: createRequestIds(),
  });
  const scrape = async () => parseScrape(await metrics.render());
  return { observer, records, spans, scrape, [Symbol.dispose]: () => metrics.close() };
}

const POST = { method: 'POST', url: '/generate?key=sk-secret', headers: { 'x-request-id': 'mine' } };

test('a request that is tried again is told as one, its attempts apart', async () => {
  using all = observing(true);
  const request = all.observer.begin(POST);
  const first = request.attempt({ ...CHOSEN, worker: W0 });
  first.end({ ...FAILED, error: { code: BROKEN, started: false } });
  request.retried(100);
  const second = request.attempt({ ...CHOSEN, worker: W1 });
  second.head(200, true);
  for (const bytes of [5, 7]) second.chunk(bytes);
  const usage = { promptTokens: 100, completionTokens: 2, cachedTokens: 40 };
  second.end({ verdict: 'success', usage, error: undefined });
  request.end(200, false);

  const [record] = all.records;
  assert.equal(record?.id, 'mine');
  assert.equal(record?.path, '/generate');
  assert.equal(record?.worker, W1);
  assert.equal(record?.attempts, 2);
  assert.equal(record?.answerBytes, 12);
  assert.equal(record?.promptTokens, 100);
  assert.ok(record!.firstByteMs! <= record!.totalMs);

  const families = await all.scrape();
  const of = (name: string, labels: Record<string, string>) => scraped(families, `sgl_router_${name}`, labels);
  assert.equal(of('requests_total', { route: '/generate', streaming: 'true' }), 1);
  assert.equal(of('worker_errors_total', { worker: W0, error_code: BROKEN }), 1);
  assert.equal(of('worker_responses_total', { worker: W1, status_code: '200' }), 1);
  assert.equal(of('inter_token_latency_seconds_count', { worker: W1 }), 1);
  assert.equal(of('ttft_seconds_count', { worker: W1 }), 1);
  assert.equal(of('cache_predicted_tokens_total', { worker: W1 }), 50);
  assert.equal(of('retries_total', { route: '/generate' }), 1);

  assert.deepEqual(
    all.spans.map(({ kind, error }) => [kind, error]),
    [
      ['client', BROKEN],
      ['client', undefined],
      ['server', undefined],
    ],
  );
  assert.notEqual(first.traceparent, second.traceparent);
  assert.ok(!JSON.stringify([all.records, all.spans]).includes('sk-secret'));
});

test('an answer that breaks off is an answer, and an error in the middle', async () => {
  using all = observing();
  const request = all.observer.begin(POST);
  const attempt = request.attempt({ ...CHOSEN, worker: W0 });
  attempt.head(200, true);
  attempt.chunk(1);
  attempt.end({ ...FAILED, error: { code: BROKEN, started: true } });
  request.end(200, false);
  const families = await all.scrape();
  assert.equal(scraped(families, 'sgl_router_upstream_midstream_errors_total', { worker: W0 }), 1);
  assert.equal(scraped(families, 'sgl_router_worker_errors_total', { worker: W0 }), undefined);
  const labels = { status_code: '200', error_code: BROKEN };
  assert.equal(scraped(families, 'sgl_router_http_responses_total', labels), 1);
});

test('what a prefill server answers is counted of the server, and is no part of the request', async () => {
  using all = observing();
  const request = all.observer.begin(POST);
  const aside = request.attempt({ ...CHOSEN, worker: W0 }, true);
  const answer = request.attempt({ ...CHOSEN, worker: W1 });
  aside.head(200, false);
  aside.chunk(1_000);
  aside.end({ verdict: 'success', usage: { ...USAGE, promptTokens: 7 }, error: undefined });
  answer.head(200, true);
  answer.chunk(5);
  answer.end({ verdict: 'success', usage: { ...USAGE, promptTokens: 8 }, error: undefined });
  request.end(200, false);
  const [record] = all.records;
  assert.deepEqual(
    [record?.worker, record?.attempts, record?.answerBytes, record?.promptTokens, record?.streams],
    [W1, 1, 5, 8, true],
  );
  const families = await all.scrape();
  assert.equal(scraped(families, 'sgl_router_processed_requests_total', { worker: W0 }), 1);
  assert.equal(scraped(families, 'sgl_router_worker_responses_total', { worker: W0, status_code: '200' }), 1);
  assert.equal(scraped(families, 'sgl_router_cb_outcomes_total', { worker: W0, outcome: 'success' }), 1);
});

test('a client that leaves first blames no worker', async () => {
  using all = observing();
  const request = all.observer.begin(POST);
  request.attempt({ ...CHOSEN, worker: W0 }).end({ verdict: 'neutral', usage: USAGE, error: undefined });
  request.end(0, true);
  const families = await all.scrape();
  assert.equal(scraped(families, 'sgl_router_http_responses_total', { status_code: '499' }), 1);
  assert.equal(scraped(families, 'sgl_router_worker_errors_total', { worker: W0 }), undefined);
  assert.equal(scraped(families, 'sgl_router_worker_responses_total', { worker: W0 }), undefined);
  assert.equal(scraped(families, 'sgl_router_processed_requests_total', { worker: W0 }), 1);
});

test('the path of a request in absolute form is its path', () => {
  using all = observing();
  const of = (url: string) => all.observer.begin({ ...POST, url }).record.path;
  assert.equal(of('http://user:key@host:1/generate?x'), '/generate');
  assert.equal(of('*'), '/');
});

test("without tracing the client's traceparent is left alone", () => {
  using all = observing();
  assert.equal(all.observer.begin(POST).attempt({ ...CHOSEN, worker: W0 }).traceparent, undefined);
});
