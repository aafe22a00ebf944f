import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type Json, startSim, type TestSim } from '../helpers/sim.ts';
import { type TestRouter, testRouter, until } from '../helpers/test-router.ts';

const PREFILL = ['--disaggregation-mode', 'prefill', '--disaggregation-bootstrap-port', '0'];
const DECODE = ['--disaggregation-mode', 'decode'];

interface Fleet extends AsyncDisposable {
  readonly prefill: readonly TestSim[];
  readonly decode: readonly TestSim[];
}

/** Two engines of each role. */
async function pairs(flags: readonly string[] = []): Promise<Fleet> {
  const start = (role: readonly string[]) => Promise.all([1, 2].map(() => startSim([...role, ...flags])));
  const [prefill, decode] = await Promise.all([start(PREFILL), start(DECODE)]);
  return {
    prefill,
    decode,
    [Symbol.asyncDispose]: async () => {
      await Promise.all([...prefill, ...decode].map((engine) => engine[Symbol.asyncDispose]()));
    },
  };
}

/** A router started with the manual's words; the engines tell their bootstrap ports themselves. */
async function routerFor({ prefill, decode }: Fleet, flags: readonly string[], ranks = 1): Promise<TestRouter> {
  const servers = [
    ...prefill.flatMap(({ url }) => ['--prefill', url]),
    ...decode.flatMap(({ url }) => ['--decode', url]),
  ];
  // The policies are those of the flags.
  const router = await testRouter([], ['--pd-disaggregation', ...servers, ...flags], { ...policyIn(flags) });
  const { registry } = router.router;
  await until(() => (['prefill', 'decode'] as const).every((role) => registry.available(role).length === 2 * ranks));
  return router;
}

function policyIn(flags: readonly string[]): { policy?: 'random' | 'round_robin' } {
  const at = flags.indexOf('--policy');
  return at < 0 ? {} : { policy: flags[at + 1] as 'random' };
}

async function generate(
  { url }: TestRouter,
  text = 'hello',
): Promise<{ readonly answer: Json; readonly headers: Headers }> {
  const body = JSON.stringify({ text, sampling_params: { max_new_tokens: 2 } });
  const response = await fetch(`${url}/generate`, { method: 'POST', body });
  assert.equal(response.status, 200, await response.clone().text());
  return { answer: await response.json(), headers: response.headers };
}

const INHERITANCE: Readonly<Record<string, readonly [prefill: string, decode: string]>> = {
  '--policy random': ['random', 'random'],
  '--policy random --prefill-policy cache_aware': ['cache_aware', 'random'],
  '--policy random --decode-policy power_of_two': ['random', 'power_of_two'],
  '--policy random --prefill-policy bucket --decode-policy round_robin': ['bucket', 'round_robin'],
};

test('each role has the policy that the manual gives it', async (t) => {
  await using fleet = await pairs();
  for (const [flags, policies] of Object.entries(INHERITANCE)) {
    await t.test(flags, async () => {
      await using router = await routerFor(fleet, flags.split(' '));
      const { headers } = await generate(router);
      const given = [headers.get('x-sglang-router-prefill-policy'), headers.get('x-sglang-router-policy')];
      assert.deepEqual(given, policies);
    });
  }
});

test('cache_aware keeps an index of its own for prefill: a prompt goes back to the server that has it', async () => {
  await using fleet = await pairs();
  await using router = await routerFor(fleet, ['--prefill-policy', 'cache_aware', '--decode-policy', 'round_robin']);
  const prompts = Array.from({ length: 8 }, (_, number) => `${number} ${'word '.repeat(300)}`);
  const first = new Map<string, string | null>();
  const decode = new Set<string | null>();
  for (const text of prompts) {
    const { headers } = await generate(router, text);
    first.set(text, headers.get('x-sglang-router-prefill-worker'));
  }
  for (const text of prompts) {
    const { answer, headers } = await generate(router, text);
    assert.equal(headers.get('x-sglang-router-prefill-worker'), first.get(text));
    assert.ok(answer.meta_info.cached_tokens > 0.9 * answer.meta_info.prompt_tokens);
    decode.add(headers.get('x-sglang-router-worker'));
  }
  assert.equal(new Set(first.values()).size, 2);
  assert.equal(decode.size, 2);
});

test('readiness needs a server of each role', async () => {
  await using fleet = await pairs();
  await using router = await routerFor(fleet, []);
  const readiness = async () => (await fetch(`${router.url}/readiness`)).status;
  assert.equal(await readiness(), 200);
  for (const { url } of fleet.decode) await router.router.registry.remove(url);
  assert.equal(await readiness(), 503);
  const [{ url }] = fleet.decode as [TestSim];
  await fetch(`${router.url}/add_worker?url=${url}&worker_type=decode`, { method: 'POST' });
  assert.equal(await readiness(), 200);
  await generate(router);
});

test('the ranks of prefill and decode servers are chosen each by its policy, and meet', async () => {
  await using fleet = await pairs(['--dp-size', '2', '--enable-dp-attention']);
  await using router = await routerFor(fleet, ['--dp-aware', '--policy', 'round_robin'], 2);
  const chosen = { prefill: new Set<string | null>(), decode: new Set<string | null>() };
  for (let count = 0; count < 8; count++) {
    const { answer, headers } = await generate(router, `prompt ${count}`);
    const worker = headers.get('x-sglang-router-worker');
    assert.equal(`@${answer.meta_info.dp_rank}`, worker?.slice(worker.lastIndexOf('@')));
    chosen.decode.add(worker);
    chosen.prefill.add(headers.get('x-sglang-router-prefill-worker'));
  }
  assert.deepEqual([chosen.prefill.size, chosen.decode.size], [4, 4]);
});
