import assert from 'node:assert/strict';
import { mkdtemp, readFile, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { runBench } from '../../src/bench/bench.ts';
import { parseBenchOptions } from '../../src/bench/options.ts';
import type { Report } from '../../src/bench/run.ts';
import { resolveRouter } from '../../src/config/resolve.ts';
import { startSim } from '../helpers/sim.ts';

const MAIN = fileURLToPath(new URL('../../src/main.ts', import.meta.url));
const TINY = [
  ...[
    '--gsp-num-groups',
    '3',
    '--gsp-prompts-per-group',
    '6',
    '--gsp-system-prompt-len',
    '320',
    '--gsp-output-len',
    '4',
  ],
  ...['--max-concurrency', '4', '--warmup-requests', '2'],
];

async function bench(argv: readonly string[], stopped = new AbortController().signal) {
  let out = '';
  const output = {
    write: (text: string) => {
      out += text;
    },
  };
  const surroundings = {
    env: {},
    program: MAIN,
    policyOptions: (await resolveRouter([], {})).config,
    out: output,
    progress: { write: () => {} },
    commandLine: 'bench',
    stopped,
  };
  const report: Report = await runBench(parseBenchOptions(argv), surroundings);
  return { report, out };
}

test('two simulated engines behind a router, real processes: every figure is there', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'bench-'));
  const { report, out } = await bench([
    ...TINY,
    ...['--engines', '2', '--policy', 'round_robin', '--sim-prefill-tokens-per-sec', '1000000', '--out', folder],
  ]);
  const summary = report.runs[0]?.summary;
  assert.ok(summary);
  assert.deepEqual({ requests: summary.requests, errors: summary.errors }, { requests: 18, errors: 0 });
  assert.deepEqual(summary.workerShares, [0.5, 0.5]);
  assert.equal(summary.hotspot, 1);
  assert.ok(summary.ttftMs.p50 > 0 && summary.ttftMs.p99 >= summary.ttftMs.p50);
  assert.ok(summary.outputTokensPerSec > 0 && summary.goodput > 0 && summary.itlMs.p50 >= 0);
  // Each of 3 prompts is computed at most once by each engine; of 18 requests 12 or more find theirs.
  assert.ok((summary.hitShare ?? 0) >= (12 * 320) / (18 * 448), `${summary.hitShare}`);
  assert.match(out, /^round_robin .* 0$/m);
  assert.match(await readFile(join(folder, 'bench.html'), 'utf8'), /<svg/);
});

test('several routers before the same engines: each answers its share of the requests', async () => {
  const { report, out } = await bench([
    ...[...TINY, '--engines', '1', '--policy', 'round_robin', '--routers', '1,2'],
    ...['--sim-prefill-tokens-per-sec', '1000000'],
  ]);
  assert.deepEqual(
    report.runs.map(({ contender }) => contender),
    ['round_robin', 'round_robin × 2'],
  );
  for (const { summary } of report.runs) assert.deepEqual([summary.requests, summary.errors], [18, 0]);
  assert.match(out, /^round_robin × 2 .* 0$/m);
});

test('a worker that is killed mid-run: its requests are counted, the others go on', async () => {
  const { report } = await bench([
    ...['--workload', 'worker-killed', '--engines', '2', '--policy', 'round_robin', '--gsp-num-groups', '4'],
    ...[...TINY.slice(2), '--sim-prefill-tokens-per-sec', '100000'],
  ]);
  const summary = report.runs[0]?.summary;
  assert.equal(summary?.requests, 24);
  assert.ok((summary?.errors ?? 24) < 12, JSON.stringify(summary?.errorKinds));
  assert.ok((summary?.workerShares[1] ?? 0) > (summary?.workerShares[0] ?? 1));
});

test('a server that runs already: chat and its own model, hits as its answers tell', async () => {
  await using sim = await startSim(['--enable-cache-report', '--served-model-name', 'other']);
  const argv = ['--url', sim.url, '--workload', 'agents', '--scale', '0.02', '--warmup-requests', '0', '--flush-cache'];
  const { report } = await bench(argv);
  const summary = report.runs[0]?.summary;
  assert.equal(summary?.requests, 16);
  assert.equal(summary?.errors, 0);
  assert.ok((summary?.hitShare ?? 0) > 0.8, `${summary?.hitShare}`);
  assert.equal(summary?.hotspot, undefined);
});

test('stopped early it ends at once and leaves nothing behind', async () => {
  const stop = new AbortController();
  await using sim = await startSim();
  const running = bench(['--url', sim.url, '--request-rate', '0.1', '--warmup-requests', '0'], stop.signal);
  setTimeout(() => stop.abort(), 200);
  assert.deepEqual((await running).report.runs, []);
});

test('what-if: each number of workers with each policy, computed, with bars and plots', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'bench-'));
  const { report, out } = await bench([
    ...[...TINY, '--what-if', 'workers=1,3', 'policy=round_robin,cache_aware', '--out', folder],
  ]);
  assert.deepEqual(
    report.runs.map(({ contender, summary }) => [contender, summary.requests, summary.workerShares.length]),
    [
      ['1 worker, round_robin', 18, 1],
      ['3 workers, round_robin', 18, 3],
      ['1 worker, cache_aware', 18, 1],
      ['3 workers, cache_aware', 18, 3],
    ],
  );
  assert.match(out, /^ {2}3 workers, cache_aware +█/m);
  const html = await readFile(join(folder, 'bench.html'), 'utf8');
  assert.match(html, /First token \(p90\) by number of workers/);
  await assert.rejects(bench(['--workload', 'worker-killed', '--what-if', 'workers=2']), /kills a worker/);
});

test('a recorded trace is shown as it was, beside what is computed of it', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'bench-'));
  const path = join(folder, 'trace.jsonl');
  const row = (id: number, timestamp: number, more: object) =>
    JSON.stringify({
      id,
      timestamp,
      input_length: 1_000,
      output_length: 5,
      hash_ids: [],
      status: 200,
      worker: 0,
      ...more,
    });
  const first = row(1, 0, { cached_length: 0, ttft: 130, duration: 170 });
  const second = row(2, 1_000, { parent: 1, shared_length: 800, cached_length: 800, ttft: 30, duration: 70 });
  await writeFile(path, `${first}\n${second}\n`);
  const { report, out } = await bench([
    '--trace-file',
    path,
    '--what-if',
    'workers=1',
    '--sim-prefill-tokens-per-sec',
    '10000',
  ]);
  // Computed, a request is up to 2 ms on its way.
  const down = (value: number, stepMs: number) => Math.floor(value / stepMs) * stepMs;
  assert.deepEqual(
    report.runs.map(({ contender, summary: { ttftMs, hitShare, makespanSecs } }) => [
      ...[contender, down(ttftMs.p50, 2), hitShare, down(makespanSecs * 1000, 5)],
    ]),
    [
      ['as recorded', 80, 0.4, 1_070],
      ['1 worker, cache_aware', (100 + 20) / 2, 0.4, 1_045],
    ],
  );
  // What was recorded is beside it, and not against it.
  const [, verdict = ''] = out.split('first token: ');
  assert.match(verdict, /1 worker, cache_aware: 2 requests in/);
  assert.doesNotMatch(verdict, /as recorded/);
});

test('calibrated alone, the speed of an engine is printed and kept, and simulated engines take it', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'bench-'));
  await using sim = await startSim([
    ...['--sim-prefill-tokens-per-sec', '2000'],
    '--max-running-requests',
    '2',
    '--max-total-tokens',
    '9000',
    '--context-length',
    '3000',
  ]);
  const { report, out } = await bench(['--calibrate', sim.url, '--out', folder]);
  assert.deepEqual(report.runs, []);
  assert.match(out, /--max-total-tokens 9000 .*written: .*engine\.json/s);
  const profile = join(folder, 'engine.json');
  const { report: used } = await bench([...TINY, '--what-if', '--engines', '1', '--sim-profile', profile]);
  assert.equal(used.runs[0]?.summary.errors, 0);
});
