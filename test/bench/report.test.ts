import assert from 'node:assert/strict';
import { mkdtemp, readFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { type Report, type Run, writeReport } from '../../src/bench/report.ts';
import { renderTable } from '../../src/bench/table.ts';
import { verdicts } from '../../src/bench/verdicts.ts';

const SPREAD = { p50: 10, p90: 20, p99: 30, mean: 12 };

function run(contender: string, own: boolean, more: Partial<Run['summary']> = {}): Run {
  const summary = {
    ...{ requests: 2, errors: 1, errorKinds: { 'HTTP 502: <b> from http://127.0.0.1:1/': 1 }, makespanSecs: 4 },
    ...{ ttftMs: SPREAD, itlMs: SPREAD, outputTokensPerSec: 100, goodput: 1, hitShare: 0.5, predictedShare: undefined },
    ...{ workerShares: [0.75, 0.25], hotspot: 1.5, lostSecs: 0 },
    ...more,
  };
  const points = [
    [0, 10],
    [1, 20],
  ] as const;
  return { workload: 'gsp', contender, own, summary, points };
}

const REPORT: Report = {
  startedAt: '2026-01-01T00:00:00.000Z',
  commandLine: 'bench --url http://127.0.0.1:30000',
  machine: '2 CPUs',
  workloads: [{ name: 'gsp', about: 'shared & mixed', requests: 2, possibleHitShare: 0.75 }],
  runs: [run('cache_aware', true), run('other 1.0', false, { makespanSecs: 5, hitShare: 0.4 })],
};

test('the report is a page that loads nothing, and the same as JSON', async () => {
  const [json = '', html = ''] = await writeReport(await mkdtemp(join(tmpdir(), 'bench-')), REPORT);
  assert.deepEqual(JSON.parse(await readFile(json, 'utf8')).workloads, REPORT.workloads);
  const page = await readFile(html, 'utf8');
  assert.doesNotMatch(page, /https?:\/\/|<script|<link|src=|url\(|@import/);
  assert.equal(page.match(/<svg/g)?.length, 3);
  for (const part of ['cache_aware', 'other 1.0', 'shared &amp; mixed', '75.0', 'HTTP 502: &lt;b>'])
    assert.ok(page.includes(part), part);
  assert.doesNotMatch(page, /NaN|undefined|Infinity/);
});

test('a run without a single good answer makes a page, too', async () => {
  const nothing = { p50: Number.NaN, p90: Number.NaN, p99: Number.NaN, mean: Number.NaN };
  const failed = { ...run('cache_aware', true, { ttftMs: nothing, itlMs: nothing, workerShares: [] }), points: [] };
  const [, html = ''] = await writeReport(await mkdtemp(join(tmpdir(), 'bench-')), { ...REPORT, runs: [failed] });
  assert.doesNotMatch(await readFile(html, 'utf8'), /NaN|undefined|Infinity/);
});

test('the table has a line for each run, the shares and what went wrong', () => {
  const [ran] = REPORT.workloads;
  assert.ok(ran);
  const text = renderTable(ran, REPORT.runs);
  assert.match(text, /possible hit 75\.0 %/);
  assert.match(text, /^cache_aware +4\.00 +10 +20 +30 .* 50\.0 +– +1\.50 +1$/m);
  assert.match(text, /^ {2}cache_aware: 75 25$/m);
  assert.match(text, /^ {2}other 1\.0: 1 × HTTP 502/m);
});

test('verdicts compare cache_aware with the best of the others', () => {
  const runs = [
    ...REPORT.runs,
    run('third', false, { makespanSecs: 3 }),
    run('round_robin', true, { makespanSecs: 8 }),
  ];
  const text = verdicts(runs);
  assert.match(
    text,
    /gsp +TTFT p90 1\.00 level +hit 1\.00 level +makespan 1\.33 WORSE +makespan ÷ round_robin 0\.50 best/,
  );
  assert.match(text, /in all: best 1, level 2, WORSE 1$/m);
  assert.equal(verdicts([run('cache_aware', true)]), '');
});
