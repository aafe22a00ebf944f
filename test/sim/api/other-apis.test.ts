import assert from 'node:assert/strict';
import { test } from 'node:test';
import { SGLANG_SHAPES } from '../../fixtures/sglang-shapes.ts';
import { shapeOf } from '../../helpers/shape.ts';
import { type Json, readEvents, startSim } from '../../helpers/sim.ts';

test('/v1/messages answers and streams as Anthropic does', async () => {
  await using sim = await startSim();
  const body = { model: 'any', max_tokens: 3, messages: [{ role: 'user', content: 'hi' }] };
  const whole: Json = await (await sim.post('/v1/messages', body)).json();
  assert.deepEqual(shapeOf(whole), SGLANG_SHAPES.messages);
  const { events } = await readEvents(await sim.post('/v1/messages', { ...body, stream: true }));
  assert.deepEqual(
    events.map((event) => event.type),
    [
      'message_start',
      'content_block_start',
      'content_block_delta',
      'content_block_delta',
      'content_block_delta',
      'content_block_stop',
      'message_delta',
      'message_stop',
    ],
  );
  assert.equal(events.map((event) => event.delta?.text ?? '').join(''), whole.content[0].text);
  const refused = await sim.post('/v1/messages', { ...body, max_tokens: undefined });
  assert.equal(refused.status, 400);
  assert.deepEqual(await refused.json(), {
    type: 'error',
    error: { type: 'invalid_request_error', message: 'max_tokens: Field required' },
  });
});

test('/v1/messages/count_tokens counts what /v1/messages would', async () => {
  await using sim = await startSim();
  const body = { model: 'any', max_tokens: 1, messages: [{ role: 'user', content: 'how many tokens is this' }] };
  const count: Json = await (await sim.post('/v1/messages/count_tokens', body)).json();
  const answer: Json = await (await sim.post('/v1/messages', body)).json();
  assert.equal(count.input_tokens, answer.usage.input_tokens);
});

test('/v1/responses answers and streams', async () => {
  await using sim = await startSim();
  const body = { model: 'any', max_output_tokens: 3, input: 'hi' };
  const whole: Json = await (await sim.post('/v1/responses', body)).json();
  assert.deepEqual(shapeOf(whole), SGLANG_SHAPES.responses);
  const { events } = await readEvents(await sim.post('/v1/responses', { ...body, stream: true }));
  assert.equal(events[0].type, 'response.created');
  assert.equal(events.at(-1).type, 'response.incomplete');
  assert.equal(events.at(-1).response.output[0].content[0].text, whole.output[0].content[0].text);
  assert.deepEqual(
    events.map((event) => event.sequence_number),
    events.map((_, i) => i),
  );
  const refused = await sim.post('/v1/responses', { model: 'any' });
  assert.match(((await refused.json()) as Json).error.message, /'loc': \('body', 'input'\)/);
});

test('/v1/embeddings works on an embedding model only', async () => {
  await using sim = await startSim(['--is-embedding']);
  const body = { model: 'any', input: ['one', 'two'] };
  const answer: Json = await (await sim.post('/v1/embeddings', body)).json();
  assert.deepEqual(shapeOf(answer), SGLANG_SHAPES.embeddings);
  assert.equal(answer.data.length, 2);
  assert.ok(Math.abs(Math.hypot(...answer.data[0].embedding) - 1) < 1e-9);
  assert.deepEqual(await (await sim.post('/v1/embeddings', body)).json(), answer);
  assert.equal((await sim.post('/generate', { text: 'x' })).status, 400);
  await using generating = await startSim();
  const refused = await generating.post('/v1/embeddings', body);
  assert.equal(refused.status, 400);
  assert.match(((await refused.json()) as Json).message, /--is-embedding/);
});

test('/v1/tokenize and /v1/detokenize turn answers into tokens and back', async () => {
  await using sim = await startSim();
  const one: Json = await (await sim.post('/v1/tokenize', { prompt: 'hello there' })).json();
  assert.deepEqual(shapeOf(one), SGLANG_SHAPES.tokenize);
  const several: Json = await (await sim.post('/v1/tokenize', { prompt: ['hello', 'there'] })).json();
  assert.deepEqual(
    several.count,
    several.tokens.map((tokens: number[]) => tokens.length),
  );
  const answer: Json = await (
    await sim.post('/generate', { text: 'x', sampling_params: { max_new_tokens: 9 } })
  ).json();
  const text: Json = await (await sim.post('/v1/detokenize', { tokens: answer.output_ids })).json();
  assert.equal(text.text, answer.text);
});
