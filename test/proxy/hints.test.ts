import assert from 'node:assert/strict';
import type { IncomingMessage } from 'node:http';
import { test } from 'node:test';
import { RequestHints } from '../../src/proxy/hints.ts';

type Headers = Readonly<Record<string, string>>;

function hintsOf(url: string, body: unknown, headers: Headers = {}): RequestHints {
  const bytes = Buffer.from(typeof body === 'string' ? body : JSON.stringify(body));
  return new RequestHints({ url, headers } as IncomingMessage, bytes);
}

const promptOf = (url: string, body: unknown) => {
  const { prompt } = hintsOf(url, body);
  return prompt && Buffer.from(prompt).toString();
};
const system = { role: 'system', content: 'You are helpful.' };
const user = { role: 'user', content: [{ type: 'text', text: 'Hi' }] };

test('the prompt of each API, as its bytes stand in the body', () => {
  const cases: readonly [string, unknown, string | undefined][] = [
    ['/generate', { text: 'one', sampling_params: {} }, '"one"'],
    ['/generate', { text: ['one', 'two'] }, '"one","two"'],
    ['/generate?x=1', { text: null, input_ids: [[1, 2, 3]] }, '1,2,3'],
    ['http://host/generate', { input_ids: [1, 2, 3] }, '1,2,3'],
    ['/v1/completions', { model: 'm', prompt: 'once' }, '"once"'],
    ['/v1/completions', { prompt: [[5, 6], [7]] }, '5,6],[7'],
    [
      '/v1/chat/completions',
      { model: 'm', messages: [system, user] },
      `${JSON.stringify(system)},${JSON.stringify(user)}`,
    ],
    ['/v1/embeddings', { input: ['a', 'b'] }, '"a","b"'],
    ['/encode', { text: 'e' }, '"e"'],
    ['/classify', { input_ids: [1, 2] }, '1,2'],
    ['/invocations', { messages: [user] }, JSON.stringify(user)],
    ['/v1/rerank', { documents: ['d'], query: 'q' }, '"q"'],
    ['/v1/messages', { messages: [user], system: 'S' }, `"S"${JSON.stringify(user)}`],
    ['/v1/responses', { input: 'question', instructions: 'I', tools: [] }, '"I""question"'],
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
  assert.equal(promptOf('/generate', { text: 'one', lora_path: 'a' }), '"a""one"');
  assert.equal(promptOf('/v1/completions', { cache_salt: 's', extra_key: null, prompt: 'one' }), '"s""one"');
});

test('an adapter in the name of the model is told apart too; the name alone changes nothing', () => {
  const [a, b, base, other] = ['llama:a', 'llama:b', 'llama', 'qwen'].map(
    (model) => promptOf('/v1/chat/completions', { model, messages: [system, user] })!,
  );
  assert.notEqual(a!.slice(0, 3), b!.slice(0, 3));
  assert.equal(base, other);
  assert.equal(promptOf('/v1/chat/completions', { model: 'llama:a' }), undefined);
});

test('a longer conversation begins with the bytes of the shorter one', () => {
  const turns = [system, user, { role: 'assistant', content: 'Hello!' }, user];
  const prompts = [2, 3, 4].map(
    (count) => promptOf('/v1/messages', { messages: turns.slice(0, count), max_tokens: count })!,
  );
  assert.ok(prompts[1]!.startsWith(prompts[0]!));
  assert.ok(prompts[2]!.startsWith(prompts[1]!));
});

test('an image counts as some hundred tokens, and another image is another prompt', () => {
  const withImage = (byte: number) => {
    const url = `data:image/png;base64,${Buffer.alloc(300_000, byte).toString('base64')}`;
    const content = [
      { type: 'image_url', image_url: { url } },
      { type: 'text', text: 'What is this?' },
    ];
    return promptOf('/v1/chat/completions', { messages: [system, { role: 'user', content }] })!;
  };
  assert.ok(withImage(1).length < 2000);
  assert.ok(withImage(1).endsWith('"text":"What is this?"}]}'));
  assert.equal(withImage(1), withImage(1));
  assert.notEqual(withImage(1), withImage(2));
});

test('an image whose base64 an encoder of JSON has escaped is one all the same', () => {
  const base64 = Buffer.alloc(300_001, 0xff).toString('base64');
  for (const [from, to] of [
    [/\//g, '\\/'],
    [/=/g, '\\u003d'],
  ] as const) {
    const url = `data:image\\/png;base64,${base64}`.replace(from, to);
    const body = `{"messages":[{"role":"user","content":[{"type":"image_url","image_url":{"url":"${url}"}}]}]}`;
    const hints = new RequestHints(
      { url: '/v1/chat/completions', headers: {} } as unknown as IncomingMessage,
      Buffer.from(body),
    );
    assert.ok((hints.prompt?.length ?? 0) < 2_000, `${hints.prompt?.length}`);
  }
});

test('long text that speaks of base64 stays as it is', () => {
  const text = `base64 ${'words and spaces '.repeat(1000)}`;
  assert.equal(promptOf('/generate', { text }), JSON.stringify(text));
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

test('whether the answer is streamed', () => {
  assert.equal(hintsOf('/generate', { stream: true }).streams, true);
  assert.equal(hintsOf('/generate', { stream: false }).streams, false);
  assert.equal(hintsOf('/generate', {}).streams, false);
});

test('a routing key in a header needs no look into the body', () => {
  const body = new Proxy(Buffer.alloc(0), {
    get: () => assert.fail('the body was read'),
  });
  const hints = new RequestHints(
    { url: '/', headers: { 'x-smg-routing-key': 'k' } } as unknown as IncomingMessage,
    body,
  );
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
