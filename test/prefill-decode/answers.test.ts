import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { bootstrapPortOf, type Json, readEvents, startSim, type TestSim } from '../helpers/sim.ts';
import { freePort, type RouterProcess, spawnRouter } from '../helpers/spawn-router.ts';

/** What tells one run from another, not one answer from another. */
const OF_THE_RUN: ReadonlySet<string> = new Set([
  ...['id', 'created', 'created_at', 'completed_at', 'e2e_latency', 'response_sent_to_client_ts'],
  ...['cached_tokens', 'cached_tokens_details', 'cache_read_input_tokens', 'input_tokens_details'],
  ...['prompt_tokens_details', 'item_id'],
]);

const prompt = 'Once upon a time there was a prompt of some length. '.repeat(4);
const messages = [{ role: 'user', content: prompt }];
const logprobs = { return_logprob: true, logprob_start_len: 0, top_logprobs_num: 2 };
const few = { max_new_tokens: 5 };

const BODIES: readonly (readonly [what: string, path: string, body: object])[] = [
  ['a text', '/generate', { text: prompt, sampling_params: few }],
  ['tokens', '/generate', { input_ids: [5, 6, 7, 8], sampling_params: few }],
  ['a list of texts', '/generate', { text: [prompt, 'b', 'c'], sampling_params: few }],
  ['a list of one text', '/generate', { text: [prompt], sampling_params: few }],
  ['lists of tokens', '/generate', { input_ids: [[5, 6], [7], [8, 9]], sampling_params: [few, few, few] }],
  ['logprobs', '/generate', { text: prompt, sampling_params: few, ...logprobs }],
  [
    'logprobs from the middle on',
    '/generate',
    { text: prompt, sampling_params: few, ...logprobs, logprob_start_len: 7 },
  ],
  ['logprobs of a list', '/generate', { text: [prompt, 'a b c'], sampling_params: few, ...logprobs }],
  ['a chat', '/v1/chat/completions', { model: 'm', messages, max_tokens: 5 }],
  [
    'a chat with usage',
    '/v1/chat/completions',
    { model: 'm', messages, max_tokens: 5, stream_options: { include_usage: true } },
  ],
  [
    'a chat with logprobs',
    '/v1/chat/completions',
    { model: 'm', messages, max_tokens: 5, logprobs: true, top_logprobs: 2 },
  ],
  ['a completion', '/v1/completions', { model: 'm', prompt, max_tokens: 5 }],
  ['completions', '/v1/completions', { model: 'm', prompt: [prompt, 'b'], max_tokens: 5 }],
  ['a completion of tokens', '/v1/completions', { model: 'm', prompt: [5, 6, 7], max_tokens: 5 }],
  ['completions of tokens', '/v1/completions', { model: 'm', prompt: [[5, 6, 7], [8]], max_tokens: 5 }],
  ['echoed logprobs', '/v1/completions', { model: 'm', prompt, max_tokens: 5, echo: true, logprobs: 1 }],
  [
    'echoed logprobs of a list',
    '/v1/completions',
    { model: 'm', prompt: ['a b', prompt], max_tokens: 5, echo: true, logprobs: 1 },
  ],
  ['a response', '/v1/responses', { model: 'm', input: prompt, max_output_tokens: 5 }],
  ['a message', '/v1/messages', { model: 'm', messages, max_tokens: 5 }],
];

/** The two command lines of the manual that name servers, with the ports of these. */
const COMMANDS = {
  'with bootstrap ports': (prefills: readonly Server[], decodes: readonly Server[]) => [
    '--pd-disaggregation',
    ...prefills.flatMap(({ url, bootstrapPort }) => ['--prefill', url, String(bootstrapPort)]),
    ...decodes.flatMap(({ url }) => ['--decode', url]),
    ...['--prefill-policy', 'cache_aware', '--decode-policy', 'round_robin'],
  ],
  without: (prefills: readonly Server[], decodes: readonly Server[]) => [
    '--pd-disaggregation',
    ...prefills.flatMap(({ url }) => ['--prefill', url]),
    ...decodes.flatMap(({ url }) => ['--decode', url]),
    ...['--policy', 'round_robin', '--prefill-policy', 'cache_aware'],
  ],
};

interface Server {
  readonly url: string;
  readonly bootstrapPort: number;
}

const sims: TestSim[] = [];
const routers = new Map<string, RouterProcess>();
let plain: TestSim;

before(async () => {
  const start = async (...flags: string[]) => {
    const sim = await startSim(flags);
    sims.push(sim);
    return { url: sim.url, bootstrapPort: bootstrapPortOf(sim.lines) };
  };
  plain = await startSim();
  sims.push(plain);
  // Without a port in the request decode servers look at one port of whatever host: each prefill server needs a host of its own.
  const [bootstrapPort] = [String(await freePort())];
  const mode = (name: string) => ['--disaggregation-mode', name, '--disaggregation-bootstrap-port', bootstrapPort];
  const prefills = [
    await start(...mode('prefill'), '--host', '127.0.0.1'),
    await start(...mode('prefill'), '--host', '127.0.0.2'),
  ];
  const decodes = [await start(...mode('decode')), await start(...mode('decode'))];
  for (const [name, command] of Object.entries(COMMANDS)) {
    const router = await spawnRouter(command(prefills, decodes));
    routers.set(name, router);
    while (!(await allReady(router.url)));
  }
});

after(async () => {
  for (const router of routers.values()) await router[Symbol.asyncDispose]();
  for (const sim of sims) await sim[Symbol.asyncDispose]();
});

async function allReady(url: string): Promise<boolean> {
  const { workers } = (await (await fetch(`${url}/workers`)).json()) as Json;
  return workers.every(({ is_healthy: healthy }: Json) => healthy);
}

for (const name of Object.keys(COMMANDS)) {
  for (const [what, path, body] of BODIES) {
    for (const stream of [false, true]) {
      test(`${name}: ${what} to ${path}, ${stream ? 'streamed' : 'whole'}, is what one engine alone answers`, async () => {
        const asked = JSON.stringify({ ...body, stream });
        const ask = async (url: string) =>
          fetch(url + path, { method: 'POST', body: asked, headers: { 'content-type': 'application/json' } });
        const { url } = routers.get(name) as RouterProcess;
        const [ours, theirs] = await Promise.all([told(await ask(url)), told(await ask(plain.url))]);
        assert.deepEqual(ours, theirs);
        assert.notDeepEqual(ours, []);
      });
    }
  }
}

/** An answer without what differs from run to run; the events of a stream by the prompt that they are of. */
async function told(response: Response): Promise<unknown> {
  assert.equal(response.status, 200);
  if (!response.headers.get('content-type')?.startsWith('text/event-stream')) return essence(await response.json());
  const { events } = await readEvents(response);
  const places = Map.groupBy(events, ({ index, choices }: Json) => index ?? choices?.[0]?.index ?? 0);
  return [...places].toSorted(([a], [b]) => a - b).map(([, list]) => list.map(essence));
}

function essence(value: Json): unknown {
  if (Array.isArray(value)) return value.map(essence);
  if (typeof value !== 'object' || value === null) return value;
  const entries = Object.entries(value).filter(([key]) => !OF_THE_RUN.has(key));
  return Object.fromEntries(entries.map(([key, inner]) => [key, essence(inner)]));
}
