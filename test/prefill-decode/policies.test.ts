import assert from 'node:assert/strict';
import { test } from 'node:test';
import { metricOf, startPairFleet } from '../helpers/pair-router.ts';
import type { TestSim } from '../helpers/sim.ts';

const PROMPTS = 8;
const ONE_GETS_ALL = [0, PROMPTS];
const EACH_GETS_HALF = [PROMPTS / 2, PROMPTS / 2];

/** Requests that each of them has had, the least first. */
async function shares(sims: readonly TestSim[]): Promise<number[]> {
  const counts = await Promise.all(sims.map((sim) => metricOf(sim, 'sglang:num_requests_total')));
  return counts.toSorted((a, b) => a - b);
}

for (const [flags, prefillShares, decodeShares] of [
  ['--policy cache_aware', ONE_GETS_ALL, ONE_GETS_ALL],
  ['--policy round_robin --prefill-policy cache_aware', ONE_GETS_ALL, EACH_GETS_HALF],
  ['--policy round_robin --decode-policy cache_aware', EACH_GETS_HALF, ONE_GETS_ALL],
  ['--policy round_robin --prefill-policy cache_aware --decode-policy cache_aware', ONE_GETS_ALL, ONE_GETS_ALL],
  ['--policy cache_aware --prefill-policy round_robin --decode-policy round_robin', EACH_GETS_HALF, EACH_GETS_HALF],
] as const) {
  test(`${flags}: one prompt again and again`, async () => {
    await using fleet = await startPairFleet({ flags: flags.split(' ') });
    for (let i = 0; i < PROMPTS; i++) {
      const body = { text: 'Once upon a time. '.repeat(100), sampling_params: { max_new_tokens: 2 } };
      assert.equal((await fleet.post('/generate', body)).status, 200);
    }
    await fleet.rested();
    assert.deepEqual([await shares(fleet.prefills), await shares(fleet.decodes)], [prefillShares, decodeShares]);
  });
}
