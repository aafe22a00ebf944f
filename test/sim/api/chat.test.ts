import assert from 'node:assert/strict';
import { test } from 'node:test';
import { SGLANG_SHAPES } from '../../fixtures/sglang-shapes.ts';
import { shapeOf } from '../../helpers/shape.ts';
import { type Json, readEvents, startSim } from '../../helpers/sim.ts';

const PATH = '/v1/chat/completions';
const BODY = { model: 'any', messages: [{ role: 'user', content: 'hello there' }], max_tokens: 4 };

test('an answer has the fields of the real one and the name that was asked for', async () => {
  await using sim = await startSim();
  const answer: Json = await (await sim.post(PATH, BODY)).json();
  assert.deepEqual(shapeOf(answer), SGLANG_SHAPES.chat);
  assert.equal(answer.model, 'any');
  assert.equal(answer.choices[0].finish_reason, 'length');
  assert.match(answer.id, /^[0-9a-f]{32}$/);
});

test('cached tokens are reported only when the server was told to', async () => {
  await using sim = await startSim(['--enable-cache-report', '--page-size', '1']);
  const ask = async () => (await (await sim.post(PATH, BODY)).json()) as Json;
  const [cold, cached] = [await ask(), await ask()];
  assert.deepEqual(shapeOf(cold), SGLANG_SHAPES.chatCacheReport);
  assert.equal(cold.usage.prompt_tokens_details.cached_tokens, 0);
  assert.equal(cached.usage.prompt_tokens_details.cached_tokens, cold.usage.prompt_tokens - 1);
});

test('a stream begins with the role and ends with finish, usage and [DONE]', async () => {
  await using sim = await startSim();
  const whole: Json = await (await sim.post(PATH, BODY)).json();
  const stream = { ...BODY, stream: true, stream_options: { include_usage: true } };
  const { events, done } = await readEvents(await sim.post(PATH, stream));
  assert.equal(done, true);
  assert.equal(events.length, 1 + 4 + 1 + 1);
  assert.deepEqual(shapeOf(events[0]), SGLANG_SHAPES.chatRoleChunk);
  assert.deepEqual(shapeOf(events[1]), SGLANG_SHAPES.chatContentChunk);
  assert.deepEqual(shapeOf(events[5]), SGLANG_SHAPES.chatFinishChunk);
  assert.deepEqual(shapeOf(events[6]), SGLANG_SHAPES.chatUsageChunk);
  const text = events
    .slice(1, 5)
    .map((event) => event.choices[0].delta.content)
    .join('');
  assert.equal(text, whole.choices[0].message.content);
  assert.deepEqual(events[6].usage, whole.usage);
  assert.equal(new Set(events.map((event) => event.id)).size, 1);
});

test('without include_usage there is no usage in a stream', async () => {
  await using sim = await startSim();
  const { events } = await readEvents(await sim.post(PATH, { ...BODY, stream: true }));
  assert.equal(events.length, 1 + 4 + 1);
  for (const event of events) assert.equal('usage' in event, false);
});

test('several choices come side by side', async () => {
  await using sim = await startSim();
  const whole: Json = await (await sim.post(PATH, { ...BODY, n: 2 })).json();
  assert.deepEqual(
    whole.choices.map((choice: Json) => choice.index),
    [0, 1],
  );
  assert.equal(whole.usage.completion_tokens, 8);
  const { events } = await readEvents(await sim.post(PATH, { ...BODY, n: 2, stream: true }));
  for (const index of [0, 1]) {
    const mine = events.map((event) => event.choices[0]).filter((choice) => choice.index === index);
    assert.equal(mine.map((choice) => choice.delta.content ?? '').join(''), whole.choices[index].message.content);
  }
});

test('without a limit the model stops by itself', async () => {
  await using sim = await startSim(['--sim-output-tokens', '10']);
  const { max_tokens: _, ...body } = BODY;
  const answer: Json = await (await sim.post(PATH, body)).json();
  assert.equal(answer.choices[0].finish_reason, 'stop');
  assert.ok(answer.usage.completion_tokens >= 5 && answer.usage.completion_tokens <= 15);
});

test('the next turn of a conversation finds prompt and answer in the cache', async () => {
  await using sim = await startSim(['--enable-cache-report', '--page-size', '1']);
  const first: Json = await (await sim.post(PATH, { ...BODY, max_tokens: 30 })).json();
  const messages = [...BODY.messages, first.choices[0].message, { role: 'user', content: 'go on' }];
  const next: Json = await (await sim.post(PATH, { ...BODY, messages })).json();
  assert.equal(next.usage.prompt_tokens_details.cached_tokens, first.usage.prompt_tokens + 29);
});

test('content may come in parts, and images count', async () => {
  await using sim = await startSim();
  const ask = async (content: unknown) => {
    const body = { ...BODY, messages: [{ role: 'user', content }] };
    return ((await (await sim.post(PATH, body)).json()) as Json).usage.prompt_tokens;
  };
  const text = await ask('hello there');
  assert.equal(await ask([{ type: 'text', text: 'hello there' }]), text);
  assert.ok(
    (await ask([
      { type: 'text', text: 'hello there' },
      { type: 'image_url', image_url: { url: 'x' } },
    ])) > text,
  );
});

test('log probabilities have the shape of the real ones', async () => {
  await using sim = await startSim();
  const answer: Json = await (await sim.post(PATH, { ...BODY, logprobs: true, top_logprobs: 2 })).json();
  assert.deepEqual(shapeOf(answer.choices[0].logprobs), [
    'content[].token: string',
    'content[].bytes: number[]',
    'content[].logprob: number',
    'content[].top_logprobs[].token: string',
    'content[].top_logprobs[].bytes: number[]',
    'content[].top_logprobs[].logprob: number',
  ]);
  assert.equal(answer.choices[0].logprobs.content.length, 4);
});

test('what cannot be read or done is refused in the shapes of the real server', async () => {
  await using sim = await startSim();
  const refused = async (body: unknown) => {
    const response = await sim.post(PATH, body);
    assert.equal(response.status, 400);
    return response.json() as Json;
  };
  const missing = await refused({ model: 'any' });
  assert.deepEqual(shapeOf(missing), SGLANG_SHAPES.validationError);
  assert.match(missing.message, /'loc': \('body', 'messages'\), 'msg': 'Field required'/);
  assert.match((await refused('{bad')).message, /JSON decode error/);
  assert.match((await refused({ ...BODY, messages: 'x' })).message, /valid list/);
  assert.match((await refused({ ...BODY, messages: [] })).message, /cannot be empty/);
  const badValue = await refused({ ...BODY, max_tokens: -2 });
  assert.deepEqual(shapeOf(badValue), SGLANG_SHAPES.badValue);
  assert.equal(badValue.type, 'BadRequestError');
});
