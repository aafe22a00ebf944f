import assert from 'node:assert/strict';
import { test } from 'node:test';
import { metricOf, startPairFleet } from '../helpers/pair-router.ts';
import { seededRandom } from '../helpers/seeded-random.ts';
import { startSim, type TestSim } from '../helpers/sim.ts';
import { testRouter } from '../helpers/test-router.ts';

const GROUPS = 12;
const QUESTIONS = 20;
const AT_ONCE = 8;
const SERVERS = 4;
const MOST_LOST = 0.02;

/** Groups of questions, each behind one long beginning, in mixed order. */
function prompts(seed: number): string[] {
  const random = seededRandom(seed);
  const all = Array.from({ length: GROUPS * QUESTIONS }, (_, i) => {
    const beginning = `All that is known of topic ${i % GROUPS}. `.repeat(60);
    return { order: random(), text: `${beginning}Question ${i}: ${'why '.repeat(20)}?` };
  });
  return all.toSorted((a, b) => a.order - b.order).map(({ text }) => text);
}

async function askAll(url: string, texts: readonly string[]): Promise<void> {
  const left = texts.values();
  const client = async () => {
    for (const text of left) {
      const body = JSON.stringify({ text, sampling_params: { max_new_tokens: 2 } });
      const answer = await fetch(`${url}/generate`, { method: 'POST', body });
      assert.equal(answer.status, 200);
      await answer.arrayBuffer();
    }
  };
  await Promise.all(Array.from({ length: AT_ONCE }, client));
}

/** Share of the prompt tokens that were cached. */
async function hitOf(sims: readonly TestSim[]): Promise<number> {
  let [cached, all] = [0, 0];
  for (const sim of sims) {
    cached += await metricOf(sim, 'sglang:cached_tokens_total');
    all += await metricOf(sim, 'sglang:prompt_tokens_total');
  }
  return cached / all;
}

test('prefill servers meet prefixes as often as as many servers that do all the work', async (t) => {
  const texts = prompts(1);
  const engines = await Promise.all(Array.from({ length: SERVERS }, () => startSim(['--enable-metrics'])));
  t.after(() => Promise.all(engines.map((engine) => engine[Symbol.asyncDispose]())));
  await using regular = await testRouter(
    engines.map(({ url }) => url),
    [],
    { policy: 'cache_aware' },
  );
  await using fleet = await startPairFleet({ prefills: SERVERS, flags: ['--prefill-policy', 'cache_aware'] });
  await askAll(regular.url, texts);
  await askAll(fleet.router.url, texts);
  await fleet.rested();
  const [alone, paired] = [await hitOf(engines), await hitOf(fleet.prefills)];
  t.diagnostic(`${(alone * 100).toFixed(1)} % alone, ${(paired * 100).toFixed(1)} % in pairs`);
  assert.ok(paired >= alone - MOST_LOST, `${paired} in pairs, ${alone} alone`);
  assert.ok(alone > 0.5);
});
