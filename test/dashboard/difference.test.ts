import assert from 'node:assert/strict';
import { test } from 'node:test';
import { difference } from '../../src/dashboard/difference.ts';
import { countOf } from '../../src/dashboard/distribution.ts';
import { readTotals } from '../../src/dashboard/totals.ts';
import { Metrics } from '../../src/observe/metrics/metrics.ts';
import { answeredRequest } from '../helpers/request-record.ts';

const W0 = 'http://w0:8000';

function counting() {
  const metrics = new Metrics({ version: '1' });
  metrics.addWorker(W0, 'regular');
  metrics.serve(['qwen']);
  return {
    metrics,
    read: (atMs: number) => readTotals(metrics.families, atMs),
    [Symbol.dispose]: () => metrics.close(),
  };
}

test('what was counted between two moments is told, of all requests and of each worker', () => {
  using counts = counting();
  const { metrics, read } = counts;
  metrics.ended(answeredRequest({ promptTokens: 100, cachedTokens: 10, matchedBytes: 1, promptBytes: 2 }));
  const before = read(1_000);
  metrics.worker(W0).chosen('cache_aware', 'prefix');
  metrics.ended(
    answeredRequest({ promptTokens: 200, completionTokens: 7, cachedTokens: 150, matchedBytes: 3, promptBytes: 4 }),
  );
  metrics.ended(answeredRequest({ status: 429, errorCode: 'too_many_requests', worker: undefined }));
  const { secs, all, latency, worker, cause } = difference(read(3_000), before, 0);
  assert.equal(secs, 2);
  assert.deepEqual([all.requests, all.errors, countOf(latency)], [2, 1, 2]);
  const of = worker(W0);
  assert.deepEqual(
    [of?.requests, of?.promptTokens, of?.outputTokens, of?.askedTokens, of?.predictedTokens, of?.cachedTokens],
    [1, 200, 7, 200, 150, 150],
  );
  assert.equal(cause('client  too_many_requests'), 1);
});

test('without an earlier moment all is told that was counted since the start', () => {
  using counts = counting();
  counts.metrics.ended(answeredRequest());
  const { secs, all } = difference(counts.read(5_000), undefined, 1_000);
  assert.deepEqual([secs, all.requests], [4, 1]);
});

test('what the router answers itself counts for nothing, nor does a client that left', () => {
  using counts = counting();
  counts.metrics.ended(answeredRequest({ route: '/dashboard/feed', status: 401, errorCode: 'unauthorized' }));
  counts.metrics.ended(answeredRequest({ clientLeft: true }));
  const { all } = difference(counts.read(1_000), undefined, 0);
  assert.deepEqual([all.requests, all.errors], [1, 0]);
});

test('when a worker is gone nothing falls below zero', () => {
  using counts = counting();
  counts.metrics.ended(answeredRequest({ promptTokens: 100 }));
  counts.metrics.worker(W0).failed('worker_died');
  const before = counts.read(1_000);
  counts.metrics.removeWorker(W0);
  const { all, worker } = difference(counts.read(2_000), before, 0);
  assert.deepEqual([all.promptTokens, worker(W0)], [0, undefined]);
});

test('of a worker that nobody has asked since, the counts are the same object', () => {
  using counts = counting();
  const { metrics } = counts;
  metrics.addWorker('http://w1:8000', 'regular');
  metrics.ended(answeredRequest());
  const before = counts.read(1_000);
  metrics.worker(W0).failed('worker_died');
  const now = readTotals(metrics.families, 2_000, before);
  assert.equal(now.workers.get('http://w1:8000'), before.workers.get('http://w1:8000'));
  assert.notEqual(now.workers.get(W0), before.workers.get(W0));
  assert.deepEqual(difference(now, before, 0).worker(W0)?.errors, 1);
});
