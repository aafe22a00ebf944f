import assert from 'node:assert/strict';
import { test } from 'node:test';
import { SGLANG_SHAPES } from '../../fixtures/sglang-shapes.ts';
import { shapeOf } from '../../helpers/shape.ts';
import { type Json, readEvents, startSim } from '../../helpers/sim.ts';

const params = (max: number) => ({ max_new_tokens: max });

test('an answer has the fields of the real one, cold, cached and with log probabilities', async () => {
  await using sim = await startSim(['--page-size', '1']);
  const ask = async (body: object) => (await sim.post('/generate', body)).json();
  const body = { text: 'the quick brown fox', sampling_params: params(8) };
  const cold: Json = await ask(body);
  const cached: Json = await ask(body);
  assert.deepEqual(shapeOf(cold), SGLANG_SHAPES.generate);
  assert.deepEqual(shapeOf(cached), SGLANG_SHAPES.generateCached);
  assert.equal(cold.meta_info.cached_tokens, 0);
  assert.equal(cached.meta_info.cached_tokens, cold.meta_info.prompt_tokens - 1);
  assert.equal(cached.text, cold.text);
  const logprob = await ask({ input_ids: [1, 50, 60], return_logprob: true, sampling_params: params(3) });
  assert.deepEqual(shapeOf(logprob), SGLANG_SHAPES.generateLogprob);
});

test('a stream carries the whole text so far in every chunk', async () => {
  await using sim = await startSim();
  const body = { text: 'def main(', sampling_params: params(5) };
  const whole: Json = await (await sim.post('/generate', body)).json();
  const response = await sim.post('/generate', { ...body, stream: true });
  assert.equal(response.headers.get('content-type'), 'text/event-stream; charset=utf-8');
  const { events, done } = await readEvents(response);
  assert.equal(done, true);
  assert.deepEqual(
    events.map((event) => event.meta_info.completion_tokens),
    [1, 2, 3, 4, 5],
  );
  assert.deepEqual(shapeOf(events[0]), SGLANG_SHAPES.generateFirstChunk);
  assert.deepEqual(shapeOf(events[1]), SGLANG_SHAPES.generateChunk);
  assert.deepEqual(shapeOf(events[4]), SGLANG_SHAPES.generateLastChunk);
  for (const { text, output_ids: ids } of events) {
    assert.ok(whole.text.startsWith(text));
    assert.deepEqual(ids, whole.output_ids.slice(0, ids.length));
  }
  assert.equal(events[4].text, whole.text);
});

test('a batch of texts or token lists is answered by a list, in order', async () => {
  await using sim = await startSim();
  const texts: Json = await (
    await sim.post('/generate', { text: ['one', 'two'], rid: ['a', 'b'], sampling_params: [params(2), params(3)] })
  ).json();
  assert.deepEqual(
    texts.map((one: Json) => [one.meta_info.id, one.output_ids.length]),
    [
      ['a', 2],
      ['b', 3],
    ],
  );
  const ids: Json = await (
    await sim.post('/generate', {
      input_ids: [
        [5, 6, 7],
        [9, 8],
      ],
      sampling_params: params(1),
    })
  ).json();
  assert.deepEqual(
    ids.map((one: Json) => one.meta_info.prompt_tokens),
    [3, 2],
  );
  const copies: Json = await (
    await sim.post('/generate', { text: 'x', sampling_params: { ...params(2), n: 3 } })
  ).json();
  assert.equal(copies.length, 3);
});

test('the chunks of a streamed batch say which prompt they belong to', async () => {
  await using sim = await startSim();
  const { events, done } = await readEvents(
    await sim.post('/generate', { text: ['one', 'two'], stream: true, sampling_params: params(2) }),
  );
  assert.equal(done, true);
  for (const index of [0, 1]) {
    const mine = events.filter((event) => event.index === index);
    assert.deepEqual(
      mine.map((event) => event.output_ids.length),
      [1, 2],
    );
  }
});

test('a stop text ends the answer', async () => {
  await using sim = await startSim();
  const whole: Json = await (await sim.post('/generate', { text: 'x', sampling_params: params(20) })).json();
  const stop = whole.text.slice(12, 16);
  const cut: Json = await (await sim.post('/generate', { text: 'x', sampling_params: { ...params(20), stop } })).json();
  assert.deepEqual(cut.meta_info.finish_reason, { type: 'stop', matched: stop });
  assert.equal(cut.text, whole.text.slice(0, whole.text.indexOf(stop)));
});

test('prompts of different tenants share nothing', async () => {
  await using sim = await startSim(['--page-size', '1']);
  const cachedOf = async (salt: string) => {
    const body = { text: 'a prompt of some words', cache_salt: salt, sampling_params: params(1) };
    return ((await (await sim.post('/generate', body)).json()) as Json).meta_info.cached_tokens;
  };
  assert.equal(await cachedOf('a'), 0);
  assert.equal(await cachedOf('b'), 0);
  assert.notEqual(await cachedOf('a'), 0);
});

test('what cannot be done is refused in the words of the real server', async () => {
  await using sim = await startSim(['--context-length', '100']);
  const refused = async (body: unknown) => {
    const response = await sim.post('/generate', body);
    assert.equal(response.status, 400);
    return response.json() as Json;
  };
  const long = await refused({ input_ids: Array(150).fill(9), sampling_params: params(2) });
  assert.deepEqual(shapeOf(long), SGLANG_SHAPES.generateError);
  assert.match(long.error.message, /150 tokens\) is longer than the model's context length \(100 tokens\)/);
  assert.match((await refused({ sampling_params: {} })).error.message, /Either text, input_ids or input_embeds/);
  assert.match((await refused({ text: 'x', sampling_params: params(-2) })).error.message, /at least 0, got -2/);
  assert.match(
    (await refused({ text: 'x', sampling_params: params(100) })).error.message,
    /maximum context length of 100/,
  );
  assert.match((await refused({ text: 'x', routed_dp_rank: 9 })).error.message, /routed_dp_rank=9 out of range/);
  assert.deepEqual(shapeOf(await refused('{bad')), SGLANG_SHAPES.validationError);
});
