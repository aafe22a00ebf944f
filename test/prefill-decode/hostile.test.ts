import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { type PairFleet, startPairFleet } from '../helpers/pair-router.ts';
import { until } from '../helpers/test-router.ts';

const RESPONSES = '/v1/responses';
const CHAT = '/v1/chat/completions';
const COMPLETIONS = '/v1/completions';
const chat = { messages: [{ role: 'user', content: 'a' }], max_tokens: 2 };
const few = { max_new_tokens: 2 };
const body = { text: 'a', sampling_params: few };
const raw = (fields: string) => `{${fields}"text":"a","sampling_params":{"max_new_tokens":2}}`;

interface Attack {
  readonly what: string;
  readonly path?: string;
  readonly body: unknown;
  readonly headers?: Readonly<Record<string, string>>;
}

/** Sent to a server as they are, these would end it, hang it or take another request's place; the router takes them for what is left of them. */
const HARMLESS: readonly Attack[] = [
  { what: 'a negative room', body: { ...body, bootstrap_room: -1 } },
  { what: 'room 0', body: { ...body, bootstrap_room: 0 } },
  { what: 'a room without host', body: { ...body, bootstrap_room: 7, bootstrap_host: null } },
  { what: 'a room as a text', body: { ...body, bootstrap_room: '77' } },
  { what: 'a room of 20 digits', body: raw('"bootstrap_room":99999999999999999999,') },
  {
    what: 'lists for a single prompt',
    body: { ...body, bootstrap_room: [1], bootstrap_host: ['x'], bootstrap_port: [1] },
  },
  { what: 'lists that are too short', body: { ...body, text: ['a', 'b'], bootstrap_room: [1], bootstrap_host: ['x'] } },
  { what: 'a host elsewhere', body: { ...body, bootstrap_host: '192.0.2.1', bootstrap_port: 9 } },
  { what: 'a field twice', body: raw('"bootstrap_room":-1,"bootstrap_room":-2,') },
  { what: 'a field twice, behind', body: `${raw('').slice(0, -1)},"bootstrap_room":0,"bootstrap_room":-2}` },
  { what: 'an escaped field', body: raw('"bootstrap_r\\u006fom":-1,"\\u0062ootstrap_host":null,') },
  { what: 'a field behind a nested one', body: raw('"x":{"bootstrap_room":1},"bootstrap_room":-1,') },
  { what: 'a rank of the prefill server', body: { ...body, disagg_prefill_dp_rank: 9 } },
  { what: 'a rank of both', body: { ...body, routed_dp_rank: 9, data_parallel_rank: 9 } },
  { what: 'a rank in a header', path: CHAT, body: chat, headers: { 'x-data-parallel-rank': '9' } },
  { what: 'a room in a header', body, headers: { 'x-override-bootstrap-room': '-1', 'X-Override-Bootstrap-Host': '' } },
  { what: 'a room of a chat', path: CHAT, body: { ...chat, bootstrap_room: -1 } },
  { what: 'a room of a completion', path: COMPLETIONS, body: { prompt: ['a', 'b'], bootstrap_room: -1 } },
  { what: 'a room of a response', path: RESPONSES, body: { input: 'a', max_output_tokens: 2, bootstrap_room: -1 } },
];

const REFUSED: readonly Attack[] = [
  { what: 'two answers to a chat', path: CHAT, body: { ...chat, n: 2 } },
  { what: 'two answers in words', path: CHAT, body: { ...chat, n: '2' } },
  { what: 'twenty in words of Python', path: CHAT, body: { ...chat, n: '2_0' } },
  { what: 'two answers as a float', path: CHAT, body: '{"messages":[],"n":2.0}' },
  { what: 'two answers with an exponent', path: CHAT, body: '{"messages":[],"n":0.2e1}' },
  { what: 'two answers, escaped', path: CHAT, body: '{"messages":[],"\\u006e":2}' },
  { what: 'two answers at last', path: CHAT, body: '{"n":1,"messages":[],"n":2}' },
  { what: 'no answer', path: CHAT, body: { ...chat, n: 0 } },
  { what: 'a list of answers', path: CHAT, body: { ...chat, n: [2] } },
  { what: 'two completions', path: COMPLETIONS, body: { prompt: 'a', n: 2 } },
  { what: 'the best of two', path: COMPLETIONS, body: { prompt: 'a', best_of: 2 } },
  { what: 'two samples', body: { text: 'a', sampling_params: { n: 2 } } },
  { what: 'two samples of one of a batch', body: { text: ['a', 'b'], sampling_params: [{ n: 1 }, { n: 2 }] } },
  { what: 'no samples', body: { text: ['a', 'b'], sampling_params: { n: 0 } } },
  { what: 'no body', body: '' },
  { what: 'a list', body: [body] },
  { what: 'a text', body: '"text"' },
  { what: 'null', body: 'null' },
  { what: 'half an object', body: '{"text":"a"' },
  { what: 'a list for an object of a chat', path: CHAT, body: '[{"bootstrap_room":-1}]' },
  { what: 'an object behind a byte order mark', body: `\u{feff}${raw('"bootstrap_room":-1,')}` },
  { what: 'an object in UTF-16', body: Buffer.from(raw('"bootstrap_room":-1,'), 'utf16le') },
  { what: 'a path with an escape', path: '/%67enerate', body: { ...body, bootstrap_room: -1 } },
  { what: 'a path with a broken escape', path: '/%67enerate%ff%', body: { ...body, bootstrap_room: -1 } },
  {
    what: 'parameters of another API',
    path: '/vertex_generate',
    body: { instances: [], parameters: { bootstrap_room: -1 } },
  },
  {
    what: 'the same, escaped',
    path: '/vertex_%67enerate',
    body: { instances: [], parameters: { bootstrap_room: -1 } },
  },
  { what: 'embeddings', path: '/v1/embeddings', body: { input: 'a', model: 'm' } },
  { what: 'embeddings by another name', path: '/encode', body: { text: 'a' } },
  { what: 'a room where none is needed', path: '/tokenize', body: { prompt: 'a', bootstrap_room: -1 } },
  { what: 'an escaped room there', path: '/tokenize', body: '{"prompt":"a","bootstrap_\\u0072oom":-1}' },
  { what: 'a room in UTF-16 there', path: '/tokenize', body: Buffer.from('{"bootstrap_room":-1}', 'utf16le') },
  { what: 'a room for a path nobody knows', path: '/generate_more', body: { ...body, bootstrap_room: -1 } },
];

let fleet: PairFleet;
let dead = 0;

before(async () => {
  const engineFlags = ['--sim-waiting-timeout-secs', '2', '--sim-bootstrap-timeout-secs', '2'];
  fleet = await startPairFleet({ engineFlags });
  for (const { died } of [...fleet.prefills, ...fleet.decodes]) void died.then(() => dead++);
});

after(() => fleet[Symbol.asyncDispose]());

const send = ({ path = '/generate', body: sent, headers }: Attack, signal?: AbortSignal) =>
  fleet.post(path, sent, { ...(signal && { signal }), headers: { 'content-type': 'application/json', ...headers } });

for (const attack of HARMLESS) {
  test(`answered as if it were not there: ${attack.what}`, async () => {
    const answer = await send(attack);
    assert.equal(answer.status, 200, await answer.text());
  });
}

for (const attack of REFUSED) {
  test(`refused: ${attack.what}`, async () => {
    const answer = await send(attack);
    const told = await answer.text();
    assert.equal(answer.status, 400, told);
    assert.match(told, /expected/);
  });
}

test('all at once, some of whose clients leave: every server lives, nothing is counted, the next is served', async () => {
  const left = new AbortController();
  const all = [...HARMLESS, ...REFUSED].flatMap((attack, number) => [
    send(attack).then((answer) => answer.text()),
    send(attack, number % 2 ? left.signal : undefined).then(
      (answer) => answer.text(),
      () => '',
    ),
  ]);
  await until(() => fleet.router.router.registry.workers.some(({ load }) => load > 0));
  left.abort();
  await Promise.all(all);
  await fleet.rested();
  assert.equal(dead, 0);
  assert.equal(await fleet.duplicateRooms(), 0);
  for (let i = 0; i < 4; i++) assert.equal((await send({ what: '', body })).status, 200);
});
