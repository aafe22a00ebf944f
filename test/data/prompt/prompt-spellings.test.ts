import assert from 'node:assert/strict';
import { test } from 'node:test';
import { RequestHints } from '../../../src/data/prompt/hints.ts';
import { CacheAwarePolicy } from '../../../src/scheduler/policies/cache-aware.ts';
import { workersOf } from '../../helpers/candidates.ts';
import { seededRandom } from '../../helpers/seeded-random.ts';

const CHAT = '/v1/chat/completions';

const hintsOf = (url: string, body: string | Buffer) =>
  new RequestHints({ url, headers: {} }, { body: Buffer.from(body) });
const promptOf = (url: string, body: string | Buffer | object) => {
  const bytes = typeof body === 'string' || Buffer.isBuffer(body) ? body : JSON.stringify(body);
  const { prompt } = hintsOf(url, bytes);
  return prompt && Buffer.from(prompt).toString('latin1');
};

/** `count` words that end without a space, of all kinds of characters. */
const LONG = 'One "quoted" path C:\\users/é 你好 😀\ttab\nline\u0007 <b>&amp;</b> \u2028 '.repeat(30);

test('each pair of spellings is one prompt', () => {
  const user = (content: unknown) => ({ messages: [{ role: 'user', content }] });
  const text = (value: string, more: object = {}) => ({ type: 'text', text: value, ...more });
  const call = { id: 'c', type: 'function', function: { name: 'f', arguments: '{"a": 1}' } };
  const pairs: readonly (readonly [string, string | object, string, string | object])[] = [
    ['/generate', { text: LONG }, '/generate', { text: [LONG] }],
    ['/v1/completions', { prompt: LONG }, '/v1/completions', { prompt: [LONG] }],
    ['/v1/completions', { prompt: LONG }, '/generate', { text: LONG }],
    ['/v1/completions', { prompt: [1, 22, 333] }, '/generate', '{"input_ids": [ [1, 22,\n333 ] ]}'],
    [CHAT, user(LONG), CHAT, user([text(LONG)])],
    [CHAT, user(LONG), CHAT, user([text(LONG.slice(0, 500)), text(LONG.slice(500))])],
    [CHAT, user(LONG), CHAT, user([text(LONG, { cache_control: { type: 'ephemeral' } })])],
    [CHAT, user(LONG), CHAT, { messages: [{ content: LONG, role: 'user' }] }],
    [CHAT, user(LONG), CHAT, { messages: [{ role: 'user', name: 'bob', content: LONG }] }],
    [CHAT, user(LONG), CHAT, JSON.stringify(user(LONG), null, 2)],
    [CHAT, user(LONG), CHAT, { tools: [], ...user(LONG) }],
    [CHAT, user(LONG), CHAT, `{"messages":[{"role":"user","content":"","content":${JSON.stringify(LONG)}}]}`],
    [CHAT, user(LONG), '/v1/messages', user([text(LONG)])],
    [CHAT, user(LONG), '/v1/responses', { input: LONG }],
    [CHAT, user(LONG), '/v1/responses', { input: [{ role: 'user', content: [{ type: 'input_text', text: LONG }] }] }],
    [
      '/v1/responses',
      { instructions: 'S', input: LONG },
      CHAT,
      { messages: [{ role: 'system', content: 'S' }, ...user(LONG).messages] },
    ],
    [
      '/v1/messages',
      { system: LONG, ...user('q') },
      '/v1/messages',
      { system: [text(LONG, { cache_control: {} })], ...user('q') },
    ],
    [
      CHAT,
      { messages: [{ role: 'assistant', tool_calls: [call] }] },
      CHAT,
      { messages: [{ role: 'assistant', content: null, refusal: null, tool_calls: [call] }] },
    ],
    [
      CHAT,
      { tools: [{ a: 1, b: [1, 2] }], ...user('q') },
      CHAT,
      `{"tools" : [ {"a" : 1, "cache_control": {"x": 1}, "b": [1,\t2]} ], "messages":[{"role":"user","content":"q"}]}`,
    ],
    [
      '/v1/messages',
      user([{ type: 'tool_result', tool_use_id: 't', content: LONG }]),
      '/v1/messages',
      user([{ type: 'tool_result', tool_use_id: 't', content: [text(LONG)], cache_control: {} }]),
    ],
  ];
  for (const [url, body, other, same] of pairs) {
    assert.equal(promptOf(other, same), promptOf(url, body), `${url} ${other} ${JSON.stringify(same).slice(0, 200)}`);
  }
});

test('prompts that an engine tells apart stay apart', () => {
  const said = (...messages: readonly [string, unknown][]) => ({
    messages: messages.map(([role, content]) => ({ role, content })),
  });
  const prompts = [
    promptOf(CHAT, said(['user', 'ab'])),
    promptOf(CHAT, said(['assistant', 'ab'])),
    promptOf(CHAT, said(['user', 'a'], ['user', 'b'])),
    promptOf(CHAT, said(['user', 'a\\u0062'])),
    promptOf(CHAT, said(['user', [{ type: 'image_url', image_url: { url: 'ab' } }]])),
    promptOf(CHAT, { ...said(['user', 'ab']), tools: [{ name: 'f' }] }),
    promptOf(CHAT, { ...said(['user', 'ab']), tools: [{ name: 'g' }] }),
    promptOf('/generate', { text: 'ab' }),
    promptOf('/generate', { text: ['a', 'b'] }),
    promptOf('/generate', { text: '1,2' }),
    promptOf('/generate', { input_ids: [1, 2] }),
    promptOf('/generate', { input_ids: [12] }),
    promptOf('/generate', { input_ids: [[1], [2]] }),
  ];
  assert.equal(new Set(prompts).size, prompts.length);
});

type Random = () => number;
interface Message {
  readonly role: string;
  readonly text: string;
}

/** A string of a JSON document as one encoder or another writes it. */
function spellString(text: string, random: Random): string {
  const ascii = random() < 0.3;
  const slashes = random() < 0.3;
  const upper = random() < 0.5;
  const escaped = (unit: string) => {
    const hex = unit.charCodeAt(0).toString(16).padStart(4, '0');
    return `\\u${upper ? hex.toUpperCase() : hex}`;
  };
  let json = JSON.stringify(text);
  if (ascii) json = json.replace(/[^ -~]/g, escaped).replace(/[<>&']/g, escaped);
  if (slashes) json = json.replaceAll('/', '\\/');
  if (random() < 0.1)
    json = json.replace(/\\([n"]|.)/g, (all, letter) =>
      'n"'.includes(letter) ? escaped(letter === 'n' ? '\n' : '"') : all,
    );
  return json;
}

function spellContent(text: string, type: string, random: Random): string {
  if (random() < 0.4) return spellString(text, random);
  const cuts = [
    0,
    ...Array.from({ length: Math.floor(random() * 3) }, () => Math.floor(random() * text.length)),
    text.length,
  ];
  // Not between the halves of a pair: no client can send half of one.
  const places = cuts.sort((a, b) => a - b).filter((at) => !/[\udc00-\udfff]/.test(text[at] ?? ''));
  const parts = places.slice(1).map((end, i) => {
    const fields = [`"type":"${type}"`, `"text":${spellString(text.slice(places[i], end), random)}`];
    if (random() < 0.3) fields.push('"cache_control":{"type":"ephemeral"}');
    return `{${shuffled(fields, random).join(',')}}`;
  });
  return `[${parts.join(',')}]`;
}

function spellMessage({ role, text }: Message, type: string, random: Random): string {
  const fields = [`"role":${spellString(role, random)}`, `"content":${spellContent(text, type, random)}`];
  if (random() < 0.3) fields.push('"name":"bob"');
  if (random() < 0.3) fields.push('"tool_calls":null');
  return `{${(random() < 0.3 ? shuffled(fields, random) : fields).join(',')}}`;
}

/** The conversation as one client or another sends it: path and body. */
function spell(system: string, messages: readonly Message[], random: Random): readonly [string, string] {
  const api = Math.floor(random() * 3);
  const type = api === 1 ? 'input_text' : 'text';
  const said = messages.map((message) => spellMessage(message, type, random));
  const fields = ['"stream":true', '"model":"m"'];
  if (api === 0 || (api === 1 && random() < 0.5))
    said.unshift(spellMessage({ role: 'system', text: system }, type, random));
  else fields.push(`${api === 1 ? '"instructions"' : '"system"'}:${spellContent(system, 'text', random)}`);
  fields.push(`"${api === 1 ? 'input' : 'messages'}":[${said.join(',')}]`);
  const body = `{${shuffled(fields, random).join(',')}}`;
  return [[CHAT, '/v1/responses', '/v1/messages'][api]!, random() < 0.3 ? pretty(body, random) : body];
}

/** The same JSON with white space between its tokens. */
function pretty(json: string, random: Random): string {
  const space = random() < 0.5 ? ' ' : '\n\t';
  return json.replace(/"(?:[^"\\]|\\.)*"|[{}[\],:]/g, (token) =>
    token[0] === '"' ? token : `${space}${token}${space}`,
  );
}

function shuffled<T>(items: readonly T[], random: Random): T[] {
  return items
    .map((item) => [random(), item] as const)
    .sort(([a], [b]) => a - b)
    .map(([, item]) => item);
}

function randomText(random: Random): string {
  const words = [
    'word',
    ' ',
    'é',
    '你',
    '😀',
    '\n',
    '"',
    '\\',
    '/',
    '\\u0041',
    '\\n',
    '<',
    "'",
    '\t',
    '\u0001',
    'x'.repeat(80),
  ];
  return Array.from({ length: 1 + Math.floor(random() * 60) }, () => words[Math.floor(random() * words.length)]).join(
    '',
  );
}

test('random conversations in random spellings match as the identical spelling does', () => {
  const random = seededRandom(13);
  for (let i = 0; i < 1500; i++) {
    const system = randomText(random);
    const messages = Array.from({ length: 1 + Math.floor(random() * 5) }, (_, turn) => ({
      role: turn % 2 === 0 ? 'user' : 'assistant',
      text: randomText(random),
    }));
    const plain = {
      messages: [{ role: 'system', content: system }, ...messages.map(({ role, text }) => ({ role, content: text }))],
    };
    const expected = promptOf(CHAT, plain)!;
    const [url, body] = spell(system, messages, random);
    assert.ok(promptOf(url, body) === expected, `${url} ${body}`);
    const [next, longer] = spell(system, [...messages, { role: 'user', text: 'and?' }], random);
    assert.ok(promptOf(next, longer)!.startsWith(expected), longer);
  }
});

test('a conversation stays where it is when its newest message is spelled as parts and older ones as strings', () => {
  const options = { cacheThreshold: 0.5, balanceAbsThreshold: 32, balanceRelThreshold: 1.0001, maxTreeSize: 2 ** 20 };
  const policy = new CacheAwarePolicy(options, () => 0);
  const workers = workersOf(8);
  for (let conversation = 0; conversation < 8; conversation++) {
    const first = `conversation ${conversation}: ${LONG}`;
    const turns = [
      { messages: [{ role: 'user', content: [{ type: 'text', text: first }] }] },
      {
        messages: [
          { role: 'user', content: first },
          { role: 'assistant', content: 'A' },
          { role: 'user', content: [{ type: 'text', text: 'B' }] },
        ],
      },
    ];
    const chosen = turns.map((turn) => {
      const choice = policy.pick(workers, hintsOf(CHAT, JSON.stringify(turn)));
      policy.settled(choice, { firstByteMs: undefined, promptTokens: undefined, cachedTokens: undefined });
      return choice;
    });
    assert.equal(chosen[1]!.candidate, chosen[0]!.candidate);
    // All but the block in which the turn goes on.
    assert.ok(chosen[1]!.matchedBytes >= chosen[0]!.promptBytes! - 256);
  }
});

test('broken, hostile and endless bodies are read to where they end, and never throw', () => {
  const random = seededRandom(14);
  const valid = JSON.stringify({
    tools: [{ a: ['b'] }],
    messages: [{ role: 'user', content: [{ type: 'text', text: LONG }] }],
    input_ids: [[1, 2]],
  });
  for (let i = 0; i < 5000; i++) {
    const bytes = Buffer.from(valid);
    for (let n = random() * 5; n > 1; n--) bytes[Math.floor(random() * bytes.length)] = Math.floor(random() * 256);
    for (const url of [CHAT, '/v1/responses', '/v1/messages', '/generate', '/v1/completions', '/api/generate'])
      promptOf(url, bytes);
  }
  const values = [
    '"\\',
    '"\\u',
    '"\\u12"',
    '"\\ud83d"',
    '"\\ud83d\\u0041"',
    '[{"role"',
    '[{"role":1,"content":{}}]',
    '[[[[',
    '[{"content":"x"}]',
    '[{},{}]',
    '[,]',
    '[1,,2]',
    '-',
    '[-]',
    'nul',
    '{"a":"cache_control"}',
    '{"cache_control":}',
    '{"cache_control":1',
  ];
  for (const value of values)
    for (const name of ['messages', 'input', 'prompt', 'text', 'tools', 'system', 'instructions', 'model', 'lora_path'])
      for (const url of [CHAT, '/v1/responses', '/v1/messages', '/generate', '/v1/completions', '/api/generate'])
        for (const end of ['}', ']}', '"}', '']) promptOf(url, `{"${name}":${value}${end}`);
});

test('half a surrogate pair and a broken escape do not hide where the string ends', () => {
  const said = (json: string) => promptOf('/generate', `{"text":"${json}","x":1}`);
  assert.equal(said('a\\ud83d'), Buffer.from('a\ufffd').toString('latin1'));
  assert.equal(said('\\ud83d\\u0041'), Buffer.from('\ufffdA').toString('latin1'));
  assert.equal(said('\\u12'), '\\u12');
  assert.equal(said('\\\\u0041'), '\\\\u0041');
});

test('of a body that is larger than what is looked at, beginning and end are read', () => {
  const content = 'words of a long text '.repeat(300_000);
  const body = (more: string) =>
    `{"messages":[{"role":"user","content":"${content}${more}"}],"model":"m:adapter","stream":true,"user":"u\\"{","metadata":{"a":["}"]}}`;
  const hints = hintsOf(CHAT, body(''));
  assert.deepEqual([hints.model, hints.streams, hints.key], ['m:adapter', true, 'u"{']);
  const prompt = promptOf(CHAT, body(''))!;
  assert.ok(prompt.length > 4_000_000 && prompt.length <= 4 * 2 ** 20 + 100, `${prompt.length}`);
  assert.ok(prompt.includes(':adapter'));
  assert.equal(promptOf(CHAT, body('more')), prompt);
});

test('huge lists and deep nesting take time in proportion to their size', () => {
  // Quadratic work would take minutes.
  const many = 2 ** 19;
  for (const value of [
    `[${'['.repeat(many)}${']'.repeat(many)}]`,
    `[${'"",'.repeat(many)}""]`,
    `[${'{"role":"user","content":"\\\\u0041"},'.repeat(2 ** 16)}{}]`,
    `[${`{"content":"${'x'.repeat(100)}","role":"${'y'.repeat(100)}"},`.repeat(2 ** 14)}{}]`,
    `[{"role":"user","content":[${'{"type":"tool_result","tool_use_id":"","content":['.repeat(2 ** 14)}`,
    `"${'\\\\'.repeat(many)}"`,
    `"${'\\u0041'.repeat(2 ** 17)}"`,
  ])
    for (const url of [CHAT, '/v1/responses']) promptOf(url, `{"messages":${value},"input":${value}}`);
});
