import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { test } from 'node:test';
import { calibrate } from '../../../src/bench/calibrate/calibrate.ts';
import { ExitError } from '../../../src/errors/errors.ts';
import { startSim } from '../../helpers/sim.ts';

const of = (url: string, stopped = new AbortController().signal) =>
  calibrate({ url, apiKey: undefined, timeoutMs: 10_000, stopped, say: () => {} });

const KV = ['--max-total-tokens', '40000', '--page-size', '8', '--max-running-requests', '4'];
const LIMITS = ['--chunked-prefill-size', '1024', '--context-length', '9000'];

test('what an engine says of itself is taken as it is, and its speed is measured', async () => {
  await using sim = await startSim([...KV, ...LIMITS, '--sim-prefill-tokens-per-sec', '2000']);
  const { flags, measured } = await of(sim.url);
  assert.deepEqual(
    ['--max-total-tokens', '--page-size', '--max-running-requests', '--chunked-prefill-size', '--context-length'].map(
      (flag) => flags[flag as keyof typeof flags],
    ),
    [40_000, 8, 4, 1_024, 9_000],
  );
  const { prompts, steps } = measured as { prompts: [number, number][]; steps: [number, number][] };
  // No longer prompt than a chunk, no more answers at once than the engine runs.
  assert.deepEqual(
    [prompts.map(([tokens]) => tokens), steps.map(([batch]) => batch)],
    [
      [64, 128, 256, 512, 1_024],
      [1, 2, 4],
    ],
  );
  // However slow the machine, no engine is faster than it simulates.
  assert.ok(
    flags['--sim-prefill-tokens-per-sec'] > 0 && prompts.every(([tokens, ms]) => ms >= tokens / 2),
    JSON.stringify(prompts),
  );
});

test('what cached tokens cost is told apart from those that are computed', async () => {
  const speed = ['--sim-prefill-tokens-per-sec', '2000', '--sim-prefill-cached-ms', '500'];
  await using sim = await startSim([...KV, ...LIMITS, ...speed]);
  const { tokens, cachedTokens, ms } = (await of(sim.url)).measured.cached as Record<string, number>;
  assert.deepEqual([tokens, cachedTokens], [16, 1_024]);
  assert.ok((ms ?? 0) >= 512, `${ms}`);
});

test('a server that does not tell its size, or is none of SGLang, is told apart', async () => {
  const server = createServer((_request, response) => response.end('{"version":"1"}')).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  const failed = (pattern: RegExp) => (error: unknown) =>
    error instanceof ExitError && error.code === 'bench_failed' && pattern.test(error.message);
  await assert.rejects(of(`http://127.0.0.1:${port}`), failed(/does not tell max_total_num_tokens/));
  server.close();
  await assert.rejects(of('http://127.0.0.1:1'), failed(/cannot be asked/));
});

test('stopped early it ends', async () => {
  await using sim = await startSim(['--sim-decode-base-ms', '1000']);
  const stop = new AbortController();
  const running = of(sim.url, stop.signal);
  setTimeout(() => stop.abort(), 100);
  await assert.rejects(running);
});
