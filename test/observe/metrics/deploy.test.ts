import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { Metrics } from '../../../src/observe/metrics/metrics.ts';
import { parseScrape } from '../../helpers/prometheus.ts';
import { answeredRequest } from '../../helpers/request-record.ts';

const DEPLOY = join(import.meta.dirname, '../../../docs/deploy');
/** What Prometheus adds to every series. */
const SCRAPE_LABELS = ['instance', 'job'];

/** A scrape of a router to which everything has happened once: sample name → its labels. */
async function scrape(): Promise<Map<string, Set<string>>> {
  const metrics = new Metrics({ version: '1' });
  metrics.addWorker('http://w0', 'regular');
  metrics.serve(['qwen']);
  const worker = metrics.worker('http://w0');
  worker.chosen('cache_aware', 'match');
  worker.answered(500);
  worker.failed('worker_timeout');
  worker.brokeOff();
  worker.healthChecked(false);
  worker.settled('failure');
  worker.breakerMoved('closed', 'open');
  const record = answeredRequest({ worker: 'http://w0', model: 'qwen' });
  metrics.retried(record, 1);
  metrics.retriesExhausted(record);
  metrics.ended(record);
  metrics.watch({
    workers: () => [
      {
        url: 'http://w0',
        role: 'regular',
        state: 'ready',
        healthy: true,
        available: true,
        ejected: false,
        running: 0,
        connections: 1,
        indexBlocks: 1,
        stickyKeys: 1,
        breaker: { state: 'closed', consecutiveFailures: 0, consecutiveSuccesses: 1 },
      },
    ],
    inFlight: () => 0,
    queued: () => 0,
    connections: () => 0,
    indexBytes: () => 0,
    routersHeard: () => 0,
    sources: () => [{ name: 'kubernetes', stale: undefined, names: 1, added: 1, removed: 0 }],
  });
  const families = parseScrape(await metrics.render());
  metrics.close();
  const samples = [...families.values()].flatMap((family) => family.samples);
  return new Map(samples.map(({ name, labels }) => [name, new Set([...Object.keys(labels), ...SCRAPE_LABELS])]));
}

/** What is wrong with an expression: a metric or a label that no scrape has, or brackets that do not close. */
function problemsOf(expression: string, scraped: ReadonlyMap<string, ReadonlySet<string>>): string[] {
  const used = [...expression.matchAll(/\b((?:sgl_router|process|nodejs)_\w+)(?:\{([^}]*)\})?/g)];
  const grouped = [...expression.matchAll(/\b(?:by|without) \(([^)]*)\)/g)].flatMap(([, list = '']) =>
    list.split(', '),
  );
  const problems = used.length === 0 ? ['no metric'] : [];
  for (const [, name = '', selectors = ''] of used) {
    const labels = scraped.get(name);
    const selected = [...selectors.matchAll(/(\w+)(?:=~|!=|!~|=)"/g)].map(([, label = '']) => label);
    if (!labels) problems.push(`${name} is not scraped`);
    else
      for (const label of [...selected, ...grouped]) if (!labels.has(label)) problems.push(`${name} has no ${label}`);
  }
  for (const [open, close] of ['()', '{}', '[]']) {
    if (expression.split(open!).length !== expression.split(close!).length) problems.push(`${open} does not close`);
  }
  return problems;
}

test('the check finds what is wrong', async () => {
  const scraped = await scrape();
  assert.deepEqual(problemsOf('sum by (worker) (rate(sgl_router_retries_total[5m]))', scraped), [
    'sgl_router_retries_total has no worker',
  ]);
  assert.deepEqual(problemsOf('sgl_router_gone{x="1"', scraped), [
    'sgl_router_gone is not scraped',
    '{ does not close',
  ]);
  assert.deepEqual(problemsOf('sgl_router_ttft_seconds > 1', scraped), ['sgl_router_ttft_seconds is not scraped']);
});

test('every expression of the dashboard asks for what a scrape has', async () => {
  const scraped = await scrape();
  const dashboard = JSON.parse(readFileSync(join(DEPLOY, 'grafana-dashboard.json'), 'utf8'));
  const panels: { id: number; title: string; targets?: { expr: string }[] }[] = dashboard.panels;
  const expressions = panels.flatMap(({ title, targets = [] }) => targets.map(({ expr }) => [title, expr] as const));
  assert.ok(expressions.length > 30);
  assert.equal(new Set(panels.map(({ id }) => id)).size, panels.length);
  for (const [title, expression] of expressions) assert.deepEqual(problemsOf(expression, scraped), [], title);
  for (const { query } of dashboard.templating.list.slice(1)) assert.deepEqual(problemsOf(query, scraped), []);
});

test('every expression of the alert rules asks for what a scrape has', async () => {
  const scraped = await scrape();
  const rules = readFileSync(join(DEPLOY, 'alerts.yml'), 'utf8').split('- alert: ').slice(1);
  assert.ok(rules.length > 10);
  for (const rule of rules) {
    const [, expression = ''] = /^ +expr: (.+)$/m.exec(rule) ?? [];
    assert.deepEqual(problemsOf(expression, scraped), [], rule);
    assert.match(rule, /severity: (info|warning|critical)/);
    assert.match(rule, /summary: \S/);
  }
});
