import assert from 'node:assert/strict';
import { test } from 'node:test';
import { SGLANG_SHAPES } from '../../fixtures/sglang-shapes.ts';
import { shapeOf } from '../../helpers/shape.ts';
import { type Json, readEvents, startSim } from '../../helpers/sim.ts';

const PATH = '/v1/completions';
const BODY = { model: 'any', prompt: 'hello', max_tokens: 4 };

test('an answer has the fields of the real one', async () => {
  await using sim = await startSim();
  const answer: Json = await (await sim.post(PATH, BODY)).json();
  assert.deepEqual(shapeOf(answer), SGLANG_SHAPES.completion);
});

test('a stream carries pieces of text, the last with the reason it ended', async () => {
  await using sim = await startSim();
  const whole: Json = await (await sim.post(PATH, BODY)).json();
  const stream = { ...BODY, stream: true, stream_options: { include_usage: true } };
  const { events, done } = await readEvents(await sim.post(PATH, stream));
  assert.equal(done, true);
  assert.deepEqual(shapeOf(events[0]), SGLANG_SHAPES.completionChunk);
  assert.deepEqual(shapeOf(events[3]), SGLANG_SHAPES.completionLastChunk);
  assert.equal(
    events
      .slice(0, 4)
      .map((event) => event.choices[0].text)
      .join(''),
    whole.choices[0].text,
  );
  assert.deepEqual(events[4].choices, []);
  assert.deepEqual(events[4].usage, whole.usage);
});

test('several prompts with several answers each are choices in order', async () => {
  await using sim = await startSim();
  const body = { ...BODY, prompt: ['one', 'two'], n: 2 };
  const whole: Json = await (await sim.post(PATH, body)).json();
  assert.deepEqual(
    whole.choices.map((choice: Json) => choice.index),
    [0, 1, 2, 3],
  );
  assert.equal(new Set(whole.choices.map((choice: Json) => choice.text)).size, 4);
  assert.equal(whole.usage.prompt_tokens, 2);
  assert.equal(whole.usage.completion_tokens, 16);
  const { events } = await readEvents(await sim.post(PATH, { ...body, stream: true }));
  for (const choice of whole.choices) {
    const mine = events.map((event) => event.choices[0]).filter((piece) => piece.index === choice.index);
    assert.equal(mine.map((piece) => piece.text).join(''), choice.text);
  }
});

test('prompts may be token ids, one list or several', async () => {
  await using sim = await startSim();
  const tokens = async (prompt: unknown) =>
    ((await (await sim.post(PATH, { ...BODY, prompt })).json()) as Json).usage.prompt_tokens;
  assert.equal(await tokens([1, 2, 3]), 3);
  assert.equal(
    await tokens([
      [1, 2, 3],
      [4, 5],
    ]),
    5,
  );
});

test('echo puts the prompt and its log probabilities before the answer', async () => {
  await using sim = await startSim();
  const plain: Json = await (await sim.post(PATH, BODY)).json();
  const echo: Json = await (await sim.post(PATH, { ...BODY, prompt: BODY.prompt, echo: true, logprobs: 1 })).json();
  assert.equal(echo.choices[0].text, `hello${plain.choices[0].text}`);
  const { tokens, token_logprobs: logprobs } = echo.choices[0].logprobs;
  assert.equal(tokens.length, 2 + 4);
  assert.deepEqual([logprobs[0], logprobs.length], [null, 6]);
});

test('a body without prompt is refused', async () => {
  await using sim = await startSim();
  const response = await sim.post(PATH, { model: 'any' });
  assert.equal(response.status, 400);
  assert.match(((await response.json()) as Json).message, /'loc': \('body', 'prompt'\)/);
});
