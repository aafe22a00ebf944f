import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import { peersFolder } from '../../src/bench/contenders.ts';
import { TRAFFIC, type Traffic, trafficWorker } from '../helpers/metric-traffic.ts';
import { freePort, spawnRouter } from '../helpers/spawn-router.ts';

/** What 0.3.2 exports after that traffic: its metrics, their types and labels. */
const RECORD: Readonly<Record<string, { readonly type: string; readonly labels: readonly string[] }>> = JSON.parse(
  readFileSync(join(import.meta.dirname, '../fixtures/metrics/smg-0.3.2.json'), 'utf8'),
);
const PEER = join(peersFolder(process.env), 'sglang-router/bin/python');

interface Metric {
  readonly type: string;
  labels: readonly string[];
  /** Of each label. */
  readonly values: Map<string, Set<string>>;
  sum: number;
}

/** A scrape, histograms and summaries without their bounds. */
function read(text: string): Map<string, Metric> {
  const metrics = new Map<string, Metric>();
  let name = '';
  for (const line of text.split('\n')) {
    const [, named, type] = /^# TYPE (\S+) (\S+)$/.exec(line) ?? [];
    if (named !== undefined && type !== undefined) {
      name = named;
      metrics.set(name, { type, labels: [], values: new Map(), sum: 0 });
    }
    const [, sample = '', labels = '', value] = /^(\w+)(?:\{(.*)\})? (\S+)$/.exec(line) ?? [];
    const metric = metrics.get(name);
    if (!metric || value === undefined || sample.endsWith('_bucket')) continue;
    const pairs = [...labels.matchAll(/(\w+)="([^"]*)"/g)].map(([, label = '', text = '']) => [label, text] as const);
    const own = pairs.filter(([label]) => metric.type !== 'summary' || label !== 'quantile');
    metric.labels = own.map(([label]) => label);
    for (const [label, text] of own) metric.values.set(label, (metric.values.get(label) ?? new Set()).add(text));
    metric.sum += Number(value);
  }
  return metrics;
}

/** Scrapes until `has` holds of what is there: some is counted a moment later, or once in a while. */
async function scrape(url: string, has: (metrics: ReadonlyMap<string, Metric>) => boolean) {
  for (;;) {
    const metrics = read(await (await fetch(url)).text().catch(() => ''));
    if (has(metrics)) return metrics;
    await delay(100);
  }
}

const checked = (metrics: ReadonlyMap<string, Metric>) => (metrics.get('smg_worker_health_checks_total')?.sum ?? 0) > 0;

async function ours(traffic: Traffic, workers: readonly string[]) {
  await using router = await spawnRouter(traffic.flags(workers));
  while (!(await fetch(`${router.url}/readiness`)).ok) await delay(50);
  await traffic.send(router.url);
  return await scrape(`${router.url}/metrics`, checked);
}

/** 0.3.2 takes the ages of its requests every 20 s. */
async function theirs(t: TestContext, traffic: Traffic, workers: readonly string[]) {
  const [port, metricsPort] = [await freePort(), await freePort()];
  const ports = ['--host', '127.0.0.1', '--port', String(port), '--prometheus-port', String(metricsPort)];
  const flags = [...ports, '--prometheus-host', '127.0.0.1', ...traffic.flags(workers)];
  const child = spawn(PEER, ['-m', 'sglang_router.launch_router', ...flags], { stdio: 'ignore' });
  t.after(() => child.kill('SIGKILL'));
  const exited = once(child, 'exit').then(() => assert.fail('0.3.2 ended'));
  const isReady = async () => {
    const url = `http://127.0.0.1:${port}`;
    while (!(await fetch(`${url}/readiness`).catch(() => undefined))?.ok) await delay(100);
    await traffic.send(url);
    const all = (metrics: ReadonlyMap<string, Metric>) =>
      checked(metrics) && metrics.has('smg_http_inflight_request_age_count');
    return await scrape(`http://127.0.0.1:${metricsPort}/metrics`, all);
  };
  const scraped = await Promise.race([isReady(), exited]);
  exited.catch(() => {});
  return scraped;
}

const shapeOf = (metrics: Iterable<readonly [string, Metric]>) =>
  [...metrics]
    .filter(([name]) => name.startsWith('smg_'))
    .map(([name, { labels }]) => [name, labels.toSorted()] as const);

test('after the same traffic every metric of 0.3.2 is there, with its labels', async () => {
  await using first = await trafficWorker();
  await using second = await trafficWorker();
  const all = new Map<string, readonly string[]>();
  for (const traffic of TRAFFIC) {
    const metrics = await ours(traffic, [first.url, second.url]);
    for (const [name, labels] of shapeOf(metrics)) if (labels.length > 0 || !all.has(name)) all.set(name, labels);
  }
  for (const [name, { labels }] of Object.entries(RECORD)) assert.deepEqual(all.get(name), labels.toSorted(), name);
});

/** Of these labels ours has each value that 0.3.2 has; others name models, codes of errors, URLs. */
const COMPARED = [
  ...['method', 'path', 'status_code', 'result', 'router_type', 'backend_type', 'connection_mode', 'endpoint'],
  ...['streaming', 'worker_type', 'policy', 'outcome', 'from', 'to', 'attempt', 'branch', 'gt', 'le', 'error_type'],
];

const skip = !existsSync(PEER) && 'scripts/install-peers sglang-router brings 0.3.2';

test('the record is what 0.3.2 exports, and ours has the values of its labels', {
  skip,
  timeout: 180_000,
}, async (t) => {
  const recorded = new Map<string, Metric>();
  const missing: string[] = [];
  await Promise.all(
    TRAFFIC.map(async (traffic) => {
      await using first = await trafficWorker();
      await using second = await trafficWorker();
      const workers = [first.url, second.url];
      const [mine, yours] = await Promise.all([ours(traffic, workers), theirs(t, traffic, workers)]);
      for (const [name, metric] of yours) {
        recorded.set(name, metric);
        for (const label of COMPARED) {
          const values = mine.get(name)?.values.get(label);
          for (const value of metric.values.get(label) ?? [])
            if (!values?.has(value)) missing.push(`${traffic.name}: ${name}{${label}="${value}"}`);
        }
      }
    }),
  );
  const shape = [...recorded].map(([name, { type, labels }]) => [name, { type, labels: labels.toSorted() }]);
  const expected = Object.entries(RECORD).map(([name, { type, labels }]) => [
    name,
    { type, labels: labels.toSorted() },
  ]);
  assert.deepEqual(Object.fromEntries(shape.sort()), Object.fromEntries(expected));
  // A decode server whose prefill server refuses is left alone here.
  const expectedlyMissing = 'prefill and decode: smg_worker_errors_total{worker_type="decode"}';
  assert.deepEqual(
    missing.filter((one) => one !== expectedlyMissing),
    [],
  );
});

/** What public dashboards and alert rules ask for: a sample, and labels that they select or group by. */
const ASKED: readonly (readonly [sample: string, ...labels: string[]])[] = [
  ['smg_http_requests_total', 'method', 'path'],
  ['smg_http_request_duration_seconds_bucket', 'le', 'path'],
  ['smg_http_responses_total', 'status_code'],
  ['smg_http_connections_active'],
  ['smg_http_rate_limit_total', 'result'],
  ['smg_router_requests_total', 'model', 'endpoint', 'streaming'],
  ['smg_router_request_duration_seconds_bucket', 'le', 'model', 'endpoint'],
  ['smg_router_request_errors_total', 'error_type'],
  ['smg_router_upstream_responses_total', 'status_code'],
  ['smg_router_ttft_seconds_bucket', 'le', 'model'],
  ['smg_router_tpot_seconds_bucket', 'le', 'model'],
  ['smg_router_tokens_total', 'model', 'token_type'],
  ['smg_router_generation_duration_seconds_bucket', 'le', 'model'],
  ['smg_worker_pool_size', 'worker_type', 'model'],
  ['smg_worker_health', 'worker'],
  ['smg_worker_health_checks_total', 'result'],
  ['smg_worker_selection_total', 'policy', 'model'],
  ['smg_worker_errors_total', 'error_type'],
  ['smg_worker_cb_state', 'worker'],
  ['smg_worker_cb_consecutive_failures', 'worker'],
  ['smg_worker_cb_outcomes_total', 'worker', 'outcome'],
  ['smg_worker_cb_transitions_total', 'worker', 'from', 'to'],
  ['smg_worker_retries_total', 'endpoint'],
  ['smg_worker_retries_exhausted_total', 'endpoint'],
  ['smg_worker_retry_backoff_seconds_sum', 'attempt'],
  ['sgl_router_requests_total', 'route'],
  ['sgl_router_request_duration_seconds_bucket', 'le', 'route'],
  ['sgl_router_request_errors_total', 'route', 'error_type'],
  ['sgl_router_generate_duration_seconds_bucket', 'le'],
  ['sgl_router_processed_requests_total', 'worker'],
  ['sgl_router_policy_decisions_total', 'policy', 'worker'],
  ['sgl_router_cache_misses_total'],
];
/** Those of them that are 0 while nothing runs. */
const AT_REST = [
  'smg_worker_connections_active',
  'smg_worker_requests_active',
  'sgl_router_running_requests',
  'sgl_router_worker_load',
];

test('the series that public dashboards ask for are there and move', async () => {
  await using first = await trafficWorker();
  await using second = await trafficWorker();
  const [traffic] = TRAFFIC;
  await using router = await spawnRouter(traffic!.flags([first.url, second.url]));
  const text = async () => (await fetch(`${router.url}/metrics`)).text();
  const samples = (scraped: string, sample: string) =>
    [...scraped.matchAll(new RegExp(`^${sample}(?:\\{(.*)\\})? (\\S+)$`, 'gm'))].map(([, labels = '', value]) => ({
      labels,
      value: Number(value),
    }));
  for (const sample of ['sgl_router_active_workers', 'smg_worker_pool_size']) {
    assert.ok(
      samples(await text(), sample).some(({ value }) => value > 0),
      sample,
    );
  }
  await traffic!.send(router.url);
  await scrape(`${router.url}/metrics`, checked);
  const after = await text();
  for (const [sample, ...labels] of ASKED) {
    const found = samples(after, sample);
    assert.ok(
      found.some((one) => one.value > 0 && labels.every((label) => one.labels.includes(`${label}="`))),
      `${sample}{${labels}} is not above 0: ${JSON.stringify(found.slice(0, 3))}`,
    );
  }
  for (const sample of AT_REST) assert.ok(samples(after, sample).length > 0, sample);
});
