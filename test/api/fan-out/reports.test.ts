import assert from 'node:assert/strict';
import { test } from 'node:test';
import { flushReport } from '../../../src/api/fan-out/flush.ts';
import { loadsReport, mergeLoads } from '../../../src/api/fan-out/loads.ts';
import { mergeModels } from '../../../src/api/fan-out/models.ts';
import { withoutKeys } from '../../../src/api/fan-out/without-keys.ts';

const [A, B] = ['http://a:1', 'http://b:1'];

test('models of all workers, each once, with all that the first said of it', () => {
  const qwen = { id: 'qwen', object: 'model', owned_by: 'sglang', max_model_len: 8192 };
  const answers = [
    { object: 'list', data: [qwen] },
    { data: [{ id: 'qwen', max_model_len: 1 }, { id: 'llama' }] },
    { error: 'busy' },
    null,
    { data: [{ name: 'no id' }, 7] },
  ];
  assert.deepEqual(mergeModels(answers), { object: 'list', data: [qwen, { id: 'llama' }] });
  assert.deepEqual(mergeModels([]), { object: 'list', data: [] });
});

test('loads in tokens as 0.3.2 has them, with requests beside; -1 and the reason where there is none', () => {
  const ranks = [
    { worker: 'mine', dp_rank: 0, num_running_reqs: 2, num_waiting_reqs: 1, token_usage: 0.2, cache_hit_rate: 0.5 },
    { dp_rank: 1, num_running_reqs: 1, num_waiting_reqs: 0, token_usage: 0.4, cache_hit_rate: 1, gen_throughput: 9 },
  ];
  const known = { role: 'decode', runningRequests: 3, waitingRequests: 1, usedTokens: 812, kvCapacityTokens: 2_000 };
  const answers = [
    { worker: A, ...known, ranks },
    { worker: B, problem: 'gave no answer within 5000 ms' },
  ] as const;
  const report = JSON.parse(JSON.stringify(loadsReport(answers, '2026-01-01T00:00:00.000Z')));
  const { workers, loads, ...rest } = report;
  const [first, second] = workers;
  assert.deepEqual(
    { ...first, token_usage: first.token_usage.toFixed(3) },
    {
      ...{ worker: A, load: 812, running_requests: 3, waiting_requests: 1, used_tokens: 812, max_total_tokens: 2_000 },
      ...{ token_usage: '0.300', cache_hit_rate: 0.75, gen_throughput: 9 },
    },
  );
  assert.deepEqual(second, { worker: B, load: -1, error: 'gave no answer within 5000 ms' });
  assert.deepEqual(
    loads.map((rank: Record<string, unknown>) => [rank.worker, rank.worker_type, rank.dp_rank, rank.num_total_reqs]),
    [
      [A, 'decode', 0, 3],
      [A, 'decode', 1, 1],
    ],
  );
  const { aggregate, ...envelope } = rest;
  assert.deepEqual(envelope, { timestamp: '2026-01-01T00:00:00.000Z', dp_rank_count: 2 });
  assert.deepEqual([aggregate.total_running_reqs, aggregate.total_waiting_reqs, aggregate.total_reqs], [3, 1, 4]);
  assert.deepEqual([aggregate.avg_token_usage.toFixed(3), aggregate.avg_throughput], ['0.300', 9]);
});

test('a rank says nothing of whose it is', () => {
  const { loads } = mergeLoads([{ worker: 'http://a:1', report: { loads: [{ worker: 'mine', dp_rank: 0 }] } }]);
  assert.deepEqual(loads, [{ worker: 'http://a:1', dp_rank: 0 }]);
});

test('keys are hidden in strings, and numbers that have their digits stay', () => {
  const shown = withoutKeys('{"api_key":"1234","args":"--x 1234","tokens":123456}');
  assert.deepEqual(JSON.parse(shown), { api_key: null, args: '--x ***', tokens: 123_456 });
});

test('a flush of all workers is a success, of some 206, of none a sentence', () => {
  const flushed = (worker: string) => ({ worker, problem: undefined });
  assert.deepEqual(flushReport([flushed(A), flushed(B)]), {
    status: 200,
    body: {
      status: 'success',
      message: 'Successfully flushed cache on all 2 HTTP workers',
      workers_flushed: 2,
      total_http_workers: 2,
      total_workers: 2,
    },
  });
  assert.deepEqual(flushReport([flushed(A), { worker: B, problem: 'status 400' }]), {
    status: 206,
    body: {
      status: 'partial_success',
      message: 'Cache flush: 1 succeeded, 1 failed',
      workers_flushed: 1,
      total_http_workers: 2,
      total_workers: 2,
      successful: [A],
      failed: [{ worker: B, error: 'status 400' }],
    },
  });
  assert.match(JSON.stringify(flushReport([])), /No HTTP workers available/);
});
