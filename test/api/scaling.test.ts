import assert from 'node:assert/strict';
import { test } from 'node:test';
import { spawnSim } from '../helpers/spawn-sim.ts';
import { testRouter, until } from '../helpers/test-router.ts';

const CLIENTS = 16;
const ENGINE = ['--enable-metrics', '--sim-decode-base-ms', '5'];

async function twoEngines() {
  const engines = [spawnSim(ENGINE), spawnSim(ENGINE)] as const;
  const urls = [await engines[0].url(), await engines[1].url()] as const;
  const end = () => Promise.all(engines.map((engine) => engine[Symbol.asyncDispose]()));
  return { urls, [Symbol.asyncDispose]: async () => void (await end()) };
}

/** Clients that send one request after the other until `stop`; every answer must be whole. */
function load(url: string) {
  const served: (string | null)[] = [];
  let stopped = false;
  const client = async (_: unknown, index: number) => {
    for (let turn = 0; !stopped; turn++) {
      const body = JSON.stringify({
        text: `client ${index} turn ${turn}`,
        sampling_params: { max_new_tokens: 16 },
        stream: index % 2 === 0,
      });
      const answer = await fetch(`${url}/generate`, { method: 'POST', body });
      const text = await answer.text();
      assert.equal(answer.status, 200, text);
      if (index % 2 === 0) assert.ok(text.endsWith('data: [DONE]\n\n'), text.slice(-80));
      else
        assert.equal(
          (JSON.parse(text) as { meta_info: { completion_tokens: number } }).meta_info.completion_tokens,
          16,
        );
      served.push(answer.headers.get('x-sglang-router-worker'));
    }
  };
  const clients = Promise.all(Array.from({ length: CLIENTS }, client));
  return {
    served,
    more: async (requests: number) => {
      const from = served.length;
      await Promise.race([until(() => served.length >= from + requests), clients]);
      return served.slice(from);
    },
    stop: () => {
      stopped = true;
      return clients;
    },
  };
}

/** How many inference requests an engine has had. */
async function asked(engine: string): Promise<number> {
  const metrics = await (await fetch(`${engine}/metrics`)).text();
  return Number(/http_requests_total\{[^}]*endpoint="\/generate",method="POST"[^}]*\} (\d+)/.exec(metrics)?.[1] ?? 0);
}

test('engines added and removed under load: the new one serves, the removed one gets nothing more, no request fails', async () => {
  await using engines = await twoEngines();
  const [first, second] = engines.urls;
  await using router = await testRouter([first], [], { policy: 'cache_aware' });
  const post = async (path: string) => {
    const answer = await fetch(router.url + path, { method: 'POST' });
    return [answer.status, await answer.text()];
  };
  const clients = load(router.url);
  assert.deepEqual(new Set(await clients.more(CLIENTS)), new Set([first]));

  assert.deepEqual(await post(`/add_worker?url=${second}`), [200, `Successfully added worker: ${second}`]);
  const both = await clients.more(3 * CLIENTS);
  assert.ok(both.includes(second), 'the new worker serves');

  await until(() => (router.router.registry.get(first)?.load ?? 0) > 0);
  const removed = await post(`/remove_worker?url=${first}&grace_secs=60`);
  assert.deepEqual(removed, [200, `Successfully removed worker: ${first}`]);
  const before = await asked(first);
  assert.ok(before > 0);
  assert.deepEqual(new Set((await clients.more(3 * CLIENTS)).slice(CLIENTS)), new Set([second]));
  assert.equal(await asked(first), before, 'nothing is sent to a removed worker');
  assert.equal(router.lines.filter((line) => line.includes('cut off')).length, 0);

  assert.equal((await post(`/add_worker?url=${first}`))[0], 200);
  await until(() => clients.served.at(-1) === first);
  await clients.stop();
});
