import assert from 'node:assert/strict';
import { mkdtemp, readFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { runBench } from '../../src/bench/bench.ts';
import { parseBenchOptions } from '../../src/bench/options.ts';
import type { Report } from '../../src/bench/report.ts';
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
