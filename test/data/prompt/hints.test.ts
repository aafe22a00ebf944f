import assert from 'node:assert/strict';
import { test } from 'node:test';
import { RequestHints } from '../../../src/data/prompt/hints.ts';

type Headers = Readonly<Record<string, string>>;

function hintsOf(url: string, body: unknown, headers: Headers = {}): RequestHints {
  const bytes = Buffer.from(typeof body === 'string' ? body : JSON.stringify(body));
  return new RequestHints({ url, headers }, { body: bytes });
}

const promptOf = (url: string, body: unknown) => {
  const { prompt } = hintsOf(url, body);
  return prompt && Buffer.from(prompt).toString();
};
const system = { role: 'system', content: 'You are helpful.' };
const user = { role: 'user', content: [{ type: 'text', text: 'Hi' }] };

test('the prompt of each API, as an engine will see it', () => {
  const cases: readonly [string, unknown, string | undefined][] = [
    ['/generate', { text: 'one', sampling_params: {} }, 'one'],
    ['/generate', { text: ['one', 'two'] }, 'one\x05two'],
    ['/generate?x=1', { text: null, input_ids: [[65, 66, 3]] }, '\x03A\0\0\0B\0\0\0\x03\0\0\0'],
    ['http://host/generate', { input_ids: [65, 66, 3] }, '\x03A\0\0\0B\0\0\0\x03\0\0\0'],
    ['/v1/completions', { model: 'm', prompt: 'once' }, 'once'],
    ['/v1/completions', { prompt: [[65]] }, '\x03A\0\0\0'],
    ['/v1/chat/completions', { model: 'm', messages: [system, user] }, '\x01system\x02You are helpful.\x01user\x02Hi'],
    ['/v1/embeddings', { input: ['a', 'b'] }, 'a\x05b'],
    ['/encode', { text: 'e' }, 'e'],
    ['/classify', { input_ids: [66] }, '\x03B\0\0\0'],
    ['/invocations', { messages: [user] }, '\x01user\x02Hi'],
    ['/v1/rerank', { documents: ['d'], query: 'q' }, 'q'],
    ['/v1/messages', { messages: [user], system: 'S' }, '\x01system\x02S\x01user\x02Hi'],
    ['/v1/responses', { input: 'question', instructions: 'I', tools: [] }, '\x01system\x02I\x01user\x02question'],
    ['/api/generate', { prompt: 'q', system: 'S' }, '\x01system\x02S\x01user\x02q'],
    ['/v1/models', { text: 'not a prompt here' }, undefined],
    ['/generate', {}, undefined],
    ['/generate', '{"text":"does not end', undefined],
    ['/generate', 'not JSON at all', undefined],
  ];
  for (const [url, body, expected] of cases)
    assert.equal(promptOf(url, body), expected, `${url} ${JSON.stringify(body)}`);
});

test('a shared beginning stays one wherever the client writes its fields', () => {
  const path = '/v1/chat/completions';
  const tools = [{ type: 'function', function: { name: 'f' } }];
  const first = promptOf(path, { model: 'm', messages: [system, user], tools, temperature: 1 })!;
  const second = promptOf(path, { tools, stream: true, messages: [system, user, system], user: 'u' })!;
  assert.ok(second.startsWith(first));
});

test('the same prompt with another adapter or salt is another prompt from its first byte on', () => {
  const prompts = [{}, { lora_path: 'a' }, { lora_path: 'b' }, { cache_salt: 'a' }, { extra_key: 'a' }].map(
    (more) => promptOf('/generate', { text: 'one', ...more })!,
  );
  assert.equal(new Set(prompts.map((prompt) => prompt.slice(0, 20))).size, prompts.length);
  assert.equal(promptOf('/generate', { text: 'one', extra_key: null }), prompts[0]);
});

test('an adapter in the name of the model is told apart too; the name alone changes nothing', () => {
  const [a, b, base, other] = ['llama:a', 'llama:b', 'llama', 'qwen'].map(
    (model) => promptOf('/v1/chat/completions', { model, messages: [system, user] })!,
  );
  assert.notEqual(a!.slice(0, 20), b!.slice(0, 20));
  assert.equal(base, other);
  assert.equal(promptOf('/v1/chat/completions', { model: 'llama:a' }), undefined);
});

test('where several models are served, each has prompts of its own', () => {
  const bytes = (model: string) => Buffer.from(JSON.stringify({ model, messages: [system, user] }));
  const request = { url: '/v1/chat/completions', headers: {} };
  const [a, b] = ['adapter-a', 'adapter-b'].map((model) =>
    Buffer.from(new RequestHints(request, { body: bytes(model) }, true).prompt!).toString(),
  );
  assert.notEqual(a!.slice(0, 20), b!.slice(0, 20));
  assert.equal(a!.replace('adapter-a', 'adapter-b'), b);
});

test('the prompt that was read before another is itself again', () => {
  const [one, other] = ['one', 'another'].map((text) => hintsOf('/generate', { text }));
  const read = (hints: RequestHints) => Buffer.from(hints.prompt!).toString();
  assert.deepEqual([read(one!), read(other!), read(one!)], ['one', 'another', 'one']);
});

test('a longer conversation begins with the bytes of the shorter one', () => {
  const turns = [system, user, { role: 'assistant', content: 'Hello!' }, user];
  const prompts = [2, 3, 4].map(
    (count) => promptOf('/v1/messages', { messages: turns.slice(0, count), max_tokens: count })!,
  );
  assert.ok(prompts[1]!.startsWith(prompts[0]!));
  assert.ok(prompts[2]!.startsWith(prompts[1]!));
});

test('an image counts as some hundred tokens, however its base64 is escaped, and another image is another prompt', () => {
  const withImage = (byte: number, spell = (text: string) => text) => {
    const url = `data:image/png;base64,${Buffer.alloc(300_001, byte).toString('base64')}`;
    const content = [
      { type: 'image_url', image_url: { url } },
      { type: 'text', text: 'What is this?' },
    ];
    return promptOf('/v1/chat/completions', spell(JSON.stringify({ messages: [system, { role: 'user', content }] })))!;
  };
  const image = withImage(0xff);
  assert.ok(image.length < 2_000, `${image.length}`);
  assert.ok(image.endsWith('What is this?'));
  assert.equal(withImage(0xff), image);
  assert.equal(
    withImage(0xff, (text) => text.replaceAll('/', '\\/')),
    image,
  );
  assert.equal(
    withImage(0xff, (text) => text.replaceAll('=', '\\u003d')),
    image,
  );
  assert.notEqual(withImage(1), image);
});

test('long text stays as it is, base64 or not', () => {
  for (const text of [`base64 ${'words and spaces '.repeat(1000)}`, Buffer.alloc(9_000).toString('base64')])
    assert.equal(promptOf('/generate', { text }), text);
});

test('the session key: what was sent on purpose, then the body, then what agents send by themselves', () => {
  const path = '/v1/chat/completions';
  const agent = { 'x-claude-code-session-id': 'claude' };
  const cases: readonly [unknown, Headers, string | undefined][] = [
    [{ user: 'u' }, { 'x-smg-routing-key': 'k', ...agent }, 'k'],
    [{ user: 'u', prompt_cache_key: 'p' }, agent, 'p'],
    [{ user: 'u' }, agent, 'u'],
    [{ metadata: { user_id: 'session_1' } }, agent, 'session_1'],
    [{ user: 7, metadata: 'none' }, agent, 'claude'],
    [{}, { session_id: 'codex' }, 'codex'],
    [{ user: '' }, {}, undefined],
    ['broken', agent, 'claude'],
    ['broken', {}, undefined],
  ];
  for (const [body, headers, key] of cases) assert.equal(hintsOf(path, body, headers).key, key, JSON.stringify(body));
});

test('session headers are read with _ and with -, in their order', () => {
  const path = '/v1/chat/completions';
  for (const name of [
    ...[
      'session_id',
      'session-id',
      'conversation_id',
      'conversation-id',
      'x_session_id',
      'x-session-id',
      'x_session-id',
    ],
    ...['x_claude_code_session_id', 'x_session_affinity', 'x_opencode_session', 'x_conversation_id', 'x_thread_id'],
  ]) {
    assert.equal(hintsOf(path, {}, { [name]: 'mine' }).key, 'mine', name);
  }
  assert.equal(hintsOf(path, {}, { 'x-thread-id': 'second', session_id: 'first' }).key, 'first');
  assert.equal(hintsOf(path, {}, { session_id: 'other', 'session-id': 'mine' }).key, 'mine');
  assert.equal(hintsOf(path, {}, { some_header: 'a', constructor: 'b' }).key, undefined);
});

test('whether the answer is streamed', () => {
  assert.equal(hintsOf('/generate', { stream: true }).streams, true);
  assert.equal(hintsOf('/generate', { stream: false }).streams, false);
  assert.equal(hintsOf('/generate', {}).streams, false);
});

test('a routing key in a header needs no look into the body', () => {
  const body = new Proxy(Buffer.alloc(0), {
    get: () => assert.fail('the body was read'),
  });
  const hints = new RequestHints({ url: '/', headers: { 'x-smg-routing-key': 'k' } }, { body });
  assert.equal(hints.key, 'k');
});

test('log probabilities of the prompt make the engine compute it anew', () => {
  const cases: readonly [unknown, boolean][] = [
    [{ text: 'a' }, false],
    [{ text: 'a', return_logprob: true }, false],
    [{ text: 'a', return_logprob: true, logprob_start_len: -1 }, false],
    [{ text: 'a', return_logprob: true, logprob_start_len: null }, false],
    [{ text: 'a', return_logprob: true, logprob_start_len: 0 }, true],
    [{ text: ['a', 'b'], return_logprob: true, logprob_start_len: [0, 5] }, true],
    [{ prompt: 'a', echo: false, logprobs: 1 }, false],
    [{ prompt: 'a', echo: true, logprobs: 1 }, true],
  ];
  for (const [body, expected] of cases)
    assert.equal(hintsOf('/generate', body).recomputes, expected, JSON.stringify(body));
});
