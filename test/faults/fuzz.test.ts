import assert from 'node:assert/strict';
import { test } from 'node:test';
import { testRouter } from '../helpers/test-router.ts';
import { MAX_BODY_BYTES } from './fuzz/case.ts';
import { fuzz, fuzzWorker } from './fuzz/run.ts';

/** Cases that once had findings. */
const PECULIAR = [21_870_602, 21_911_772, 22_013_977, 500_588_155, 500_621_495];

test('(13) of mutated requests and smuggling shapes the worker reads exactly what the router accepted', async () => {
  await using upstream = await fuzzWorker();
  await using router = await testRouter([upstream.worker.url], ['--max-payload-size', String(MAX_BODY_BYTES)]);
  for (const seed of PECULIAR) {
    const { findings } = await fuzz(router.url, upstream, { seed, cases: 1, connections: 1 });
    assert.deepEqual(findings, []);
  }
  const seed = Math.floor(Math.random() * 1e9);
  const result = await fuzz(router.url, upstream, { seed, cases: 2_000, connections: 32 });
  assert.deepEqual(result.findings, [], 'repeat with: npm run fuzz:framing -- --seed SEED --cases 1, or --show SEED');
  assert.ok(result.answered > 1_000 && result.refused > 500, JSON.stringify(result));
  assert.equal(await (await fetch(`${router.url}/health`)).text(), 'OK');
});
