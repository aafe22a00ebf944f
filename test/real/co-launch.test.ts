import assert from 'node:assert/strict';
import { once } from 'node:events';
import { readdirSync, readFileSync } from 'node:fs';
import { after, before, test } from 'node:test';
import getPort from 'get-port';
import { CPU, FLAGS, type Launch, launch, model, options, says } from '../helpers/real-sglang.ts';
import { tap } from '../helpers/tap.ts';
import { testRouter } from '../helpers/test-router.ts';

/** Two real SGLang servers on CPU behind the router. */

/** Live processes whose command line or environment belongs to this launch, by the port of one of its servers. */
function descendants(root: number): number[] {
  const parents = new Map<number, number>();
  for (const name of readdirSync('/proc').filter((entry) => /^\d+$/.test(entry))) {
    try {
      const stat = readFileSync(`/proc/${name}/stat`, 'utf8');
      const [state, parent] = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
      if (state !== 'Z') parents.set(Number(name), Number(parent));
    } catch {
      // It ended while we looked.
    }
  }
  const found = [root];
  for (const pid of found) for (const [child, parent] of parents) if (parent === pid) found.push(child);
  return found.slice(1);
}

const alive = (pid: number) => {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
    return stat.slice(stat.lastIndexOf(')') + 2)[0] !== 'Z';
  } catch {
    return false;
  }
};

async function gone(pids: readonly number[]): Promise<void> {
  while (pids.some(alive)) await new Promise((resolve) => setTimeout(resolve, 50));
}

async function start(): Promise<{ launched: Launch; url: string; workers: string[] }> {
  const port = await getPort();
  const launched = launch(CPU, [
    '--model-path',
    model as string,
    '--dp-size',
    '2',
    '--port',
    String(port),
    '--router-policy',
    'round_robin',
    ...FLAGS,
  ]);
  const [, ready = ''] = await says(launched, /^READY (.*)$/m);
  return { launched, ...(JSON.parse(ready) as { url: string; workers: string[] }) };
}

let serving: Awaited<ReturnType<typeof start>>;
before(async () => {
  if (!('skip' in options)) serving = await start();
});
after(() => serving?.launched.process.kill('SIGKILL'));

async function ask(url: string, path: string, body: object): Promise<{ bytes: Buffer; worker: string | null }> {
  const answer = await fetch(url + path, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(body),
  });
  const bytes = Buffer.from(await answer.arrayBuffer());
  assert.equal(answer.status, 200, String(bytes));
  return { bytes, worker: answer.headers.get('x-sglang-router-worker') };
}

const sampling = { temperature: 0, max_new_tokens: 8 };
const messages = [{ role: 'user', content: 'What is the capital of France?' }];
const REQUESTS: readonly [string, string, object][] = [
  ['/generate', '/generate', { text: 'The capital of France is', sampling_params: sampling }],
  ['/generate, streamed', '/generate', { text: 'The capital of France is', stream: true, sampling_params: sampling }],
  ['chat', '/v1/chat/completions', { model: 'tiny', messages, temperature: 0, max_tokens: 8 }],
  ['chat, streamed', '/v1/chat/completions', { model: 'tiny', messages, temperature: 0, max_tokens: 8, stream: true }],
];

for (const [name, path, body] of REQUESTS) {
  test(`${name}: both servers answer`, options, async () => {
    const used = new Set<string | null>();
    for (let i = 0; i < 4; i++) used.add((await ask(serving.url, path, body)).worker);
    assert.deepEqual([...used].sort(), [...serving.workers].sort());
  });

  test(`${name}: the router passes on what the server sent, byte for byte`, options, async () => {
    await using wire = await tap(serving.workers[0] as string);
    await using router = await testRouter([wire.url]);
    const { bytes } = await ask(router.url, path, body);
    assert.ok(bytes.length > 100);
    assert.deepEqual(bytes, wire.lastBody());
  });
}

/** Made-up words that the seed names: two prompts share what they are made to share and nothing else. */
function words(seed: number, count: number): string {
  return Array.from({ length: count }, (_, i) => ((seed * 7919 + i * 104_729) % 1_000_003).toString(36)).join(' ');
}

test('cache_aware: cached_tokens are as predicted, and both servers are used', options, async () => {
  await using router = await testRouter(serving.workers, [], { policy: 'cache_aware' });
  const shares: { predicted: number; actual: number; worker: string | null }[] = [];
  for (const turn of [1, 2, 3]) {
    for (const group of [1, 2, 3, 4]) {
      const text = `${words(group, 600)} ${words(100 * turn + group, 20)}`;
      const answer = await fetch(`${router.url}/generate`, {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify({ text, sampling_params: sampling }),
      });
      const { meta_info } = (await answer.json()) as { meta_info: { prompt_tokens: number; cached_tokens: number } };
      shares.push({
        predicted: Number(answer.headers.get('x-sglang-router-matched')) / text.length,
        actual: meta_info.cached_tokens / meta_info.prompt_tokens,
        worker: answer.headers.get('x-sglang-router-worker'),
      });
    }
  }
  for (const [i, { predicted, actual, worker }] of shares.entries()) {
    const first = i < 4;
    assert.equal(predicted > 0.8, !first, `request ${i}: predicted ${predicted}`);
    // A block of the index is 256 bytes: what is shared beyond the last whole one is cached without being predicted.
    assert.ok(actual >= predicted - 0.02 && actual <= predicted + 0.1, `request ${i}: ${predicted} became ${actual}`);
    if (!first) assert.equal(worker, shares[i % 4]?.worker, 'a prefix stays where it is cached');
  }
  assert.deepEqual([...new Set(shares.map(({ worker }) => worker))].sort(), [...serving.workers].sort());
});

test('/pause_generation and /continue_generation reach both servers', options, async () => {
  const order = async (path: string) => {
    const headers = { 'content-type': 'application/json' };
    const answer = await fetch(serving.url + path, { method: 'POST', headers, body: '{}' });
    const { status, workers } = (await answer.json()) as { status: string; workers: { worker: string }[] };
    assert.deepEqual([answer.status, status], [200, 'ok']);
    assert.deepEqual(workers.map(({ worker }) => worker).sort(), [...serving.workers].sort());
  };
  await order('/pause_generation');
  let answered = 0;
  const body = { text: 'The capital of France is', sampling_params: sampling };
  const asked = serving.workers.map((url) => ask(url, '/generate', body).then(() => answered++));
  await new Promise((resolve) => setTimeout(resolve, 1_000));
  assert.equal(answered, 0, 'a server that pauses answers nothing');
  await order('/continue_generation');
  await Promise.all(asked);
});

test('/get_loads and /workers tell what each server computes and holds', options, async () => {
  const leaving = new AbortController();
  const stream = await fetch(`${serving.url}/generate`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ text: 'Once', stream: true, sampling_params: { max_new_tokens: 4_000, ignore_eos: true } }),
    signal: leaving.signal,
  });
  const busy = stream.headers.get('x-sglang-router-worker');
  const get = async (path: string) => (await fetch(serving.url + path)).json();
  let workers: Record<string, unknown>[];
  const isTold = ({ worker, load, running_requests: running }: Record<string, unknown>) =>
    load !== -1 && (worker !== busy || running === 1);
  do ({ workers } = (await get('/get_loads')) as { workers: Record<string, unknown>[] });
  while (!workers.every(isTold));
  leaving.abort();
  assert.deepEqual(workers.map(({ worker }) => worker).sort(), [...serving.workers].sort());
  for (const { worker, ...load } of workers) {
    const { used_tokens: used, max_total_tokens: most, token_usage: usage, cache_hit_rate: hits } = load;
    assert.equal(most, 20_000);
    assert.ok(worker !== busy || (used as number) > 0, JSON.stringify(load));
    assert.ok(Math.abs((usage as number) - (used as number) / 20_000) < 0.001, JSON.stringify(load));
    assert.ok((hits as number) >= 0 && (hits as number) <= 1, JSON.stringify(load));
  }
  const told = (await get('/workers')) as { workers: { models: object[]; engine_load: { loads: object[] } }[] };
  for (const { models, engine_load } of told.workers) {
    assert.deepEqual(models, [
      { id: 'tiny', context_length: 8192, hf_model_type: 'llama', architectures: ['LlamaForCausalLM'] },
    ]);
    assert.equal(engine_load.loads.length, 1);
  }
});

test('Ctrl-C ends everything, exit code 0', options, async () => {
  const { process: child } = serving.launched;
  const pids = descendants(child.pid as number);
  assert.ok(pids.length > 4, `expected servers with schedulers and detokenizers, found ${pids.length} processes`);
  child.kill('SIGINT');
  const [code] = await once(child, 'exit');
  assert.equal(code, 0);
  await gone(pids);
});

test('SIGKILL of the launcher leaves nothing behind', options, async () => {
  const { launched } = await start();
  const pids = descendants(launched.process.pid as number);
  assert.ok(pids.length > 4);
  launched.process.kill('SIGKILL');
  await gone(pids);
});

const FAILURES: readonly [string, Record<string, string | undefined>, readonly string[], RegExp][] = [
  [
    'a bad model path',
    CPU,
    ['--model-path', '/no/such/model', '--device', 'cpu'],
    /"level":"critical".*\/no\/such\/model/,
  ],
  [
    'no GPU and no CPU flags',
    { ...CPU, SGLANG_USE_CPU_ENGINE: undefined },
    ['--model-path', model ?? ''],
    /"level":"critical".*(accelerator|GPU|CUDA)/i,
  ],
];
for (const [name, env, flags, cause] of FAILURES) {
  test(`${name}: ends with the cause in one line`, options, async () => {
    const launched = launch(env, ['--port', String(await getPort()), ...flags]);
    const [code] = await once(launched.process, 'exit');
    assert.equal(code, 1);
    assert.match(launched.output, cause);
  });
}
