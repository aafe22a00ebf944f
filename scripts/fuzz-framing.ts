/**
 * Gives mutated requests and known smuggling shapes to the router's parser and to Node's, then to a router, and compares what its
 * worker reads with what a strict reader makes of them: `npm run fuzz:framing -- [--cases 100000] [--seed N] [--connections 64]`.
 * `--show SEED` prints one case.
 */
import { parseArgs } from 'node:util';
import { fuzzCase, keyOf, MAX_BODY_BYTES } from '../test/faults/fuzz/case.ts';
import { compareWithNode } from '../test/faults/fuzz/differential.ts';
import { fuzz, fuzzWorker } from '../test/faults/fuzz/run.ts';
import { spawnRouter } from '../test/helpers/spawn-router.ts';

const { values } = parseArgs({
  options: {
    cases: { type: 'string', default: '100000' },
    seed: { type: 'string', default: String(Date.now() % 1_000_000_000) },
    connections: { type: 'string', default: '64' },
    show: { type: 'string' },
  },
});

if (values.show === undefined) process.exitCode = compare() || (await run());
else show(Number(values.show));

function compare(): number {
  const { differences, ...counts } = compareWithNode(Number(values.seed), Number(values.cases));
  console.table({ 'the parsers': counts });
  for (const { seed, what } of differences) console.error(`seed ${seed}: ${what}`);
  return differences.length;
}

async function run(): Promise<number> {
  await using upstream = await fuzzWorker();
  await using router = await spawnRouter([
    ...['--worker-urls', upstream.worker.url, '--policy', 'round_robin'],
    ...['--max-payload-size', String(MAX_BODY_BYTES), '--log-level', 'info'],
  ]);
  const seed = Number(values.seed);
  const startMs = performance.now();
  const secs = () => (performance.now() - startMs) / 1000;
  const result = await Promise.race([
    fuzz(router.url, upstream, {
      seed,
      cases: Number(values.cases),
      connections: Number(values.connections),
      progress: (done) => process.stderr.write(`\r${done} of ${values.cases} cases, ${Math.round(done / secs())}/s `),
    }),
    router.exited,
  ]);
  process.stderr.write('\n');
  if (!('findings' in result)) {
    console.error(`the router died (${result.code ?? result.signal}), seed ${seed}:\n${router.lines.join('\n')}`);
    return 1;
  }
  console.table({
    cases: result.cases,
    'requests the worker read': result.read,
    'answers of the worker': result.answered,
    'refusals of the router': result.refused,
    findings: result.findings.length,
    'first seed': seed,
    seconds: Math.round(secs()),
  });
  for (const { seed: at, what } of result.findings) console.error(`seed ${at}: ${what}`);
  return result.findings.length === 0 ? 0 : 1;
}

function show(seed: number): void {
  const { bytes, cuts, requests, rest, clean } = fuzzCase(seed);
  console.log(bytes.toString('latin1').replace(/[^\x20-\x7e\n]/g, (c) => JSON.stringify(c).slice(1, -1)));
  console.log({ cuts, clean, rest, requests: requests.map(keyOf) });
}
