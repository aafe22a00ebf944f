import assert from 'node:assert/strict';
import { once } from 'node:events';
import { after, before, test } from 'node:test';
import getPort from 'get-port';
import { CPU, FLAGS, type Launch, launch, model, says, options as sglang } from '../helpers/real-sglang.ts';

/**
 * A real prefill and a real decode server, co-launched, beside a plain one. Runs where REAL_SGLANG_PD_PATH names the Python path
 * of a transfer engine that works without a GPU.
 */
const { REAL_SGLANG_PD_PATH: path } = process.env;
const options = path ? sglang : { skip: 'REAL_SGLANG_PD_PATH names no transfer engine; see scripts/test' };

const TRANSFER = {
  ...CPU,
  PYTHONPATH: path,
  MOONCAKE_PROTOCOL: 'tcp',
  MC_FORCE_TCP: '1',
  // Without a GPU there is no event to wait for.
  SGLANG_DISAGG_PREFILL_EARLY_SEND_CACHED_PREFIX: '0',
};
const PAIR = [
  ...['--disaggregation-transfer-backend', 'mooncake', '--disaggregation-decode-retraction-backup', 'cpu_tensor'],
  ...['--router-prefill-size', '1', '--router-decode-size', '1'],
];

interface Serving {
  readonly launched: Launch;
  readonly url: string;
}

async function start(env: Record<string, string | undefined>, flags: readonly string[], basePort: number) {
  const ports = ['--port', await getPort(), '--router-dp-worker-base-port', basePort, '--router-prometheus-port', 0];
  const launched = launch(env, ['--model-path', model as string, ...FLAGS, ...flags, ...ports.map(String)]);
  const [, ready = ''] = await says(launched, /^READY (.*)$/m);
  return { launched, url: (JSON.parse(ready) as { url: string }).url };
}

let pair: Serving;
let plain: Serving;
before(async () => {
  if (!('skip' in options)) [pair, plain] = await Promise.all([start(TRANSFER, PAIR, 31_000), start(CPU, [], 31_500)]);
});
after(async () => {
  for (const serving of [pair, plain]) {
    if (!serving || serving.launched.process.exitCode !== null) continue;
    serving.launched.process.kill('SIGINT');
    await once(serving.launched.process, 'exit');
  }
});

async function post(url: string, path: string, body: object): Promise<{ status: number; text: string }> {
  const answer = await fetch(url + path, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(body),
  });
  return { status: answer.status, text: await answer.text() };
}

/** What the answers must have in common: ids, times and cached tokens are each server's own. */
function essence(text: string): unknown {
  const jsons = text.startsWith('data:') ? [...text.matchAll(/^data: ({.*)$/gm)].map(([, json]) => json) : [text];
  return jsons.map((json) => {
    const own = new Set([
      'id',
      'created',
      'dp_rank',
      'e2e_latency',
      'cached_tokens',
      'cached_tokens_details',
      'usage',
      'metadata',
    ]);
    const keep = (key: string, value: unknown) => {
      if (own.has(key) || /time|latency|_ts$|throughput|_wait$|weight_versions/.test(key)) return undefined;
      return typeof value === 'number' && !Number.isInteger(value) ? value.toFixed(3) : value;
    };
    return JSON.parse(JSON.stringify(JSON.parse(json as string), keep));
  });
}

const sampling_params = { temperature: 0, max_new_tokens: 8, ignore_eos: true };
const chat = { model: 'tiny', messages: [{ role: 'user', content: 'hello there' }], temperature: 0, max_tokens: 6 };
const logprobs = { return_logprob: true, logprob_start_len: 0, top_logprobs_num: 1 };
const completion = { model: 'tiny', prompt: ['hello', 'bye now'], temperature: 0, max_tokens: 4, ignore_eos: true };
const REQUESTS: readonly [string, string, object][] = [
  ['/generate', '/generate', { text: 'hello world', sampling_params }],
  ['a batch', '/generate', { text: ['hello', 'bye now'], sampling_params }],
  ['token ids', '/generate', { input_ids: [[5, 6, 7], [8]], sampling_params }],
  ['logprobs of the prompt', '/generate', { text: 'hello world', sampling_params, ...logprobs }],
  ['chat', '/v1/chat/completions', { ...chat, ignore_eos: true, logprobs: true }],
  ['completions', '/v1/completions', completion],
  ['completions with echo', '/v1/completions', { ...completion, prompt: 'hello world', echo: true, logprobs: 1 }],
];

for (const [name, path, body] of REQUESTS) {
  test(`${name}: a pair answers as one server does`, options, async () => {
    const [answer, expected] = [await post(pair.url, path, body), await post(plain.url, path, body)];
    assert.equal(answer.status, 200, answer.text);
    assert.deepEqual(essence(answer.text), essence(expected.text));
  });
}

test('the text of a stream is that of one server', options, async () => {
  const last = async (url: string) => {
    const { text } = await post(url, '/generate', { text: 'hello world', sampling_params, ...logprobs, stream: true });
    return (essence(text) as unknown[]).at(-1);
  };
  assert.deepEqual(await last(pair.url), await last(plain.url));
});

test('many at once: every answer is the right one', options, async () => {
  const ask = async (url: string, number: number) => {
    const { text } = await post(url, '/generate', { text: `number ${number} says`, sampling_params });
    return (JSON.parse(text) as { text: string }).text;
  };
  const expected: string[] = [];
  for (let number = 0; number < 20; number++) expected.push(await ask(plain.url, number));
  const answers = await Promise.all(Array.from({ length: 150 }, (_, i) => ask(pair.url, i % 20)));
  assert.deepEqual(
    answers,
    answers.map((_, i) => expected[i % 20]),
  );
});

test('what would hang or end a server is refused or put right, and both go on', options, async () => {
  for (const own of [{ bootstrap_room: -1 }, { bootstrap_room: 0, bootstrap_host: null }, { bootstrap_room: [1, 2] }]) {
    assert.equal((await post(pair.url, '/generate', { text: 'a', sampling_params, ...own })).status, 200);
  }
  assert.equal((await post(pair.url, '/v1/chat/completions', { ...chat, n: 2 })).status, 400);
  assert.equal((await post(pair.url, '/generate', { text: 'a', sampling_params: { n: 2 } })).status, 400);
  assert.equal((await post(pair.url, '/generate', { text: 'a', sampling_params })).status, 200);
});
