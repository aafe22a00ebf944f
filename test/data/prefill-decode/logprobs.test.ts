import assert from 'node:assert/strict';
import { test } from 'node:test';
import { PromptLogprobs } from '../../../src/data/prefill-decode/logprobs.ts';
import { endpointOf } from '../../../src/http/endpoints.ts';

const json = (value: unknown) => Buffer.from(JSON.stringify(value));
const wanted = (path: string, body: unknown) => PromptLogprobs.wantedBy(endpointOf(path).family, json(body));

function merged(path: string, body: unknown, prefill: readonly unknown[], decode: unknown): unknown {
  const logprobs = wanted(path, body);
  assert.ok(logprobs);
  for (const answer of prefill) logprobs.learn(json(answer));
  return JSON.parse(String(logprobs.merge(json(decode))));
}

const LOGPROBS = { text: 'a', return_logprob: true };
const prefill = (token: number) => ({
  text: 'k',
  meta_info: {
    id: 'p',
    input_token_logprobs: [
      [null, token, null],
      [-7.25, 2, 'ü,]'],
    ],
    input_top_logprobs: [null, [[-6.5, 9, null]]],
    output_token_logprobs: [[-1, 5, null]],
  },
});
const decode = (text: string) => ({
  text,
  meta_info: { id: 'd', input_token_logprobs: [], output_token_logprobs: [[-1, 5, null]], input_top_logprobs: [] },
});
const whole = (token: number, text: string) => {
  const { input_token_logprobs, input_top_logprobs } = prefill(token).meta_info;
  return { text, meta_info: { ...decode(text).meta_info, input_token_logprobs, input_top_logprobs } };
};

test('/generate: the prompt comes from prefill, the rest from decode', () => {
  assert.deepEqual(merged('/generate', LOGPROBS, [prefill(1)], decode('key')), whole(1, 'key'));
});

test('/generate, a batch: each prompt has its own', () => {
  const got = merged('/generate', LOGPROBS, [[prefill(1), prefill(2)]], [decode('a'), decode('b')]);
  assert.deepEqual(got, [whole(1, 'a'), whole(2, 'b')]);
});

test('/generate, the events of a streamed batch: told apart by their index, in every event', () => {
  const events = [1, 0, 1].map((index) => ({ ...decode('x'), index }));
  const logprobs = wanted('/generate', { ...LOGPROBS, stream: true });
  for (const index of [0, 1]) logprobs?.learn(json({ ...prefill(10 + index), index }));
  const got = events.map((event) => JSON.parse(String(logprobs?.merge(json(event)))));
  assert.deepEqual(
    got,
    events.map(({ index }) => ({ ...whole(10 + index, 'x'), index })),
  );
});

test('numbers and text of both keep their bytes', () => {
  const logprobs = wanted('/generate', LOGPROBS);
  logprobs?.learn(Buffer.from('{"meta_info":{"input_token_logprobs":[[-1.0,1,"\\u00e9"], [ -2e-3,2,"é"]]}}'));
  const got = logprobs?.merge(Buffer.from('{"b": 1.0, "meta_info" : {"input_token_logprobs": [ ] , "z":"ü"} }\n'));
  assert.equal(
    String(got),
    '{"b": 1.0, "meta_info" : {"input_token_logprobs": [[-1.0,1,"\\u00e9"], [ -2e-3,2,"é"] ] , "z":"ü"} }\n',
  );
});

test('completions with echo: prefill has one token too many, decode goes on from there', () => {
  const choice = (tokens: string[]) => ({
    index: 0,
    logprobs: {
      tokens,
      token_logprobs: tokens.map((_, i) => -1 - i),
      top_logprobs: null,
      text_offset: tokens.map(() => -1),
    },
  });
  const body = { prompt: 'a b', echo: true, logprobs: 1 };
  const got = merged('/v1/completions', body, [{ choices: [choice(['a', 'b', 'c'])] }], {
    choices: [choice(['c', 'd'])],
  });
  assert.deepEqual(got, {
    choices: [
      {
        index: 0,
        logprobs: {
          tokens: ['a', 'b', 'c', 'd'],
          token_logprobs: [-1, -2, -1, -2],
          top_logprobs: null,
          text_offset: [-1, -1, -1, -1],
        },
      },
    ],
  });
});

test('completions with echo, streamed: only the first event of a choice has the prompt', () => {
  const event = (tokens: string[]) => json({ choices: [{ index: 0, logprobs: { tokens } }] });
  const logprobs = wanted('/v1/completions', { prompt: 'a', echo: true, logprobs: 1, stream: true });
  logprobs?.learn(event(['a', 'b']));
  assert.equal(String(logprobs?.merge(event(['b']))), String(event(['a', 'b'])));
  assert.equal(String(logprobs?.merge(event(['c']))), String(event(['c'])));
});

for (const [path, body] of [
  ['/generate', { text: 'a' }],
  ['/generate', { text: 'a', return_logprob: false }],
  ['/v1/completions', { prompt: 'a', logprobs: 1 }],
  ['/v1/completions', { prompt: 'a', echo: true }],
  ['/v1/chat/completions', { messages: [], logprobs: true }],
] as const) {
  test(`nothing to merge: ${path} ${JSON.stringify(body)}`, () => assert.equal(wanted(path, body), undefined));
}

for (const text of ['', '[DONE]', '{}', '{"error":{"message":"x"}}', '{"meta_info":3}']) {
  test(`what has no such lists stays as it is: ${text}`, () => {
    const logprobs = wanted('/generate', LOGPROBS);
    logprobs?.learn(json(prefill(1)));
    assert.equal(String(logprobs?.merge(Buffer.from(text))), text);
  });
}
