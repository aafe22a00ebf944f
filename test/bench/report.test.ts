import assert from 'node:assert/strict';
import { mkdtemp, readFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { evenAxis, timeAxis } from '../../src/bench/axis.ts';
import { writeReport } from '../../src/bench/report.ts';
import type { Report, Run } from '../../src/bench/run.ts';
import { renderTable } from '../../src/bench/table.ts';
import { verdictOf } from '../../src/bench/verdict.ts';
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
  ].map((one) => ({ ...one, summary: { ...one.summary, errors: 0 } }));
  const text = verdicts(REPORT.workloads, runs);
  assert.match(text, /^cache_aware beside the best of the other routers \(1 is level, less is better\)$/m);
  assert.match(
    text,
    /gsp +TTFT p90 1\.00 level +hit 1\.00 level +makespan 1\.33 WORSE +makespan ÷ round_robin 0\.50 best/,
  );
  assert.match(text, /in all: best 1, level 2, WORSE 1$/m);
});

/** Runs without errors, which is what can be compared. */
const fine = (contender: string, own: boolean, more: Partial<Run['summary']> = {}) =>
  run(contender, own, { errors: 0, errorKinds: {}, ...more });

test('the verdict is a sentence, whatever was run', () => {
  const verdict = (...runs: Run[]) => verdictOf(REPORT.workloads, runs);
  const ours = fine('cache_aware', true);
  assert.equal(
    verdict(ours, fine('smg 1', false, { makespanSecs: 3 }), fine('nginx', false, { hitShare: 0.1 })),
    'cache_aware against the best of the other routers: level in 2 of 3 figures, worse in 1: ' +
      'makespan of gsp, 4.00 s beside the 3.00 s of smg 1.',
  );
  assert.equal(
    verdict(ours, fine('round_robin', true, { makespanSecs: 8, hitShare: 0.1, ttftMs: { ...SPREAD, p90: 90 } })),
    'cache_aware against the best of the others: better in 3 of 3 figures.',
  );
  assert.equal(
    verdict(fine('random', true), fine('round_robin', true, { makespanSecs: 3 })),
    'Earliest first token (p90): random, 20 ms; most hits: random, 50.0 %; shortest makespan: round_robin, 3.00 s.',
  );
  assert.equal(
    verdict(fine('10.0.0.1:30000', true)),
    '10.0.0.1:30000: 2 requests in 4.00 s, the first token within 20 ms for 90 % of them, ' +
      '50.0 % of the prompt tokens from a cache (75.0 % possible), 0 errors.',
  );
  assert.equal(verdict(), '');
});

test('whoever fails many requests is compared with nobody, and the verdict says so', () => {
  const quick = run('quick', false, { errors: 1, makespanSecs: 0.1 });
  const compared = verdictOf(REPORT.workloads, [fine('cache_aware', true), quick, fine('smg 1', false)]);
  assert.equal(compared, 'cache_aware against the best of the other routers: level in 3 of 3 figures.');
  const failing = verdictOf(REPORT.workloads, [run('cache_aware', true), fine('smg 1', false)]);
  assert.match(failing, /In gsp 1 of its 2 requests failed, so that the figures say little\.$/);
});

test('where nothing could be hit, hits are not compared; many that are worse are counted', () => {
  const names = ['a', 'b', 'c'];
  const workloads = names.map((name) => ({ name, about: '', requests: 2, possibleHitShare: 0 }));
  const runs = names.flatMap((workload) => [
    { ...fine('cache_aware', true, { hitShare: 0 }), workload },
    { ...fine('smg 1', false, { hitShare: 0, makespanSecs: 1, ttftMs: { ...SPREAD, p90: 2 } }), workload },
  ]);
  assert.match(verdictOf(workloads, runs), /: worse in 6 of 6 figures: .*; .*; .*; and 3 more\.$/);
});

test('the page begins with the verdict, marks the best and groups its columns', async () => {
  const runs = [fine('cache_aware', true), fine('smg 1', false, { makespanSecs: 5, hitShare: 0.6 }), run('bad', false)];
  const [, html = ''] = await writeReport(await mkdtemp(join(tmpdir(), 'bench-')), { ...REPORT, runs });
  const page = await readFile(html, 'utf8');
  assert.match(page, /<h1>[^<]*<\/h1>\n<p class="verdict">cache_aware against the best of the other routers: /);
  const rows = page.match(/<tr[ >].*?<\/tr>/g) ?? [];
  assert.match(rows[0] ?? '', /<th colspan="3">First token, ms<\/th>/);
  const best = (row = '') => [...row.matchAll(/class="best">([^<]*)/g)].map(([, text]) => text);
  // Alike in all other columns, and a run with errors counts in none.
  assert.deepEqual(rows.slice(2).map(best), [['4.00'], ['60.0'], []]);
  assert.match(page, /@media \(prefers-color-scheme:dark\)/);
});

test('axes end just above the greatest value, with a mark at each round step', () => {
  const ends = (most: number) => Number(evenAxis([most]).ticks.at(-1)?.toPrecision(6));
  assert.deepEqual([0.3, 1, 7.1, 16, 87, 101, 4021].map(ends), [0.3, 1, 8, 17.5, 100, 120, 5000]);
  for (const most of [1e-3, 0.3, 1, 3, 15.7, 16, 99, 101, 4021, 1e6]) {
    const { ticks, at } = evenAxis([0, most]);
    assert.ok(ticks.length >= 5 && ticks.length <= 8, `${most}: ${ticks}`);
    assert.ok(at(most) > 0.8 && at(most) <= 1 + 1e-9, `${most}: ${at(most)}`);
  }
  assert.deepEqual(evenAxis([]).ticks.at(-1), 1);
});

test('times that lie far apart have an axis on which each power of ten is as long as the next', () => {
  const { ticks, at } = timeAxis([12, 80, 30_000]);
  assert.deepEqual(ticks, [10, 100, 1000, 10_000]);
  assert.deepEqual(timeAxis([30, 2500]).ticks, [20, 50, 100, 200, 500, 1000, 2000]);
  assert.equal(at(10), 0);
  assert.equal(at(30_000), 1);
  assert.ok(Math.abs(at(1000) - at(100) - (at(100) - at(10))) < 1e-9);
  assert.equal(timeAxis([10, 40]).ticks[0], 0);
  assert.deepEqual(timeAxis([]).ticks.at(-1), 1);
});
