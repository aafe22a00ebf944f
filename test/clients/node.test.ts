import assert from 'node:assert/strict';
import { test } from 'node:test';
import OpenAI from 'openai';
import { type Json, readEvents, startSim } from '../helpers/sim.ts';
import { spawnRouter } from '../helpers/spawn-router.ts';

const MODEL = 'simulated';
const KEY = 'the-key';
const TOKENS = 16;
const QUESTION = 'What is the capital of France?';
const CHAT = { model: MODEL, messages: [{ role: 'user' as const, content: QUESTION }], max_tokens: TOKENS };

/** A router before two engines that answer alike. */
async function serve() {
  const stack = new AsyncDisposableStack();
  const engines = await Promise.all([startSim(), startSim()]);
  for (const engine of engines) stack.use(engine);
  const urls = engines.map((engine) => engine.url);
  const router = stack.use(await spawnRouter(['--api-key', KEY, '--worker-urls', ...urls]));
  return { url: router.url, [Symbol.asyncDispose]: () => stack.disposeAsync() };
}

test('openai: whole and streamed chats, completions and responses are the same, with their tokens counted', async () => {
  await using served = await serve();
  const client = new OpenAI({ baseURL: `${served.url}/v1`, apiKey: KEY, maxRetries: 0 });
  assert.deepEqual(
    (await client.models.list()).data.map((model) => model.id),
    [MODEL],
  );

  const whole = await client.chat.completions.create(CHAT);
  const text = whole.choices[0]?.message.content ?? '';
  assert.notEqual(text, '');
  assert.equal(whole.usage?.completion_tokens, TOKENS);

  const pieces: string[] = [];
  let usage: OpenAI.CompletionUsage | null | undefined;
  const stream = await client.chat.completions.create({
    ...CHAT,
    stream: true,
    stream_options: { include_usage: true },
  });
  for await (const chunk of stream) {
    const piece = chunk.choices[0]?.delta.content;
    if (piece) pieces.push(piece);
    usage = chunk.usage ?? usage;
  }
  assert.equal(pieces.join(''), text);
  assert.equal(pieces.length, TOKENS);
  assert.deepEqual(
    [usage?.prompt_tokens, usage?.completion_tokens],
    [whole.usage?.prompt_tokens, whole.usage?.completion_tokens],
  );

  const completion = await client.completions.create({ model: MODEL, prompt: QUESTION, max_tokens: TOKENS });
  assert.equal(completion.usage?.completion_tokens, TOKENS);

  const asked = { model: MODEL, input: QUESTION, store: false };
  const response = await client.responses.create(asked);
  const streamed = await client.responses.stream(asked).finalResponse();
  assert.notEqual(response.output_text, '');
  assert.equal(streamed.output_text, response.output_text);
});

test('openai: errors are those of the client, and a client that leaves a stream goes on', async () => {
  await using served = await serve();
  const client = new OpenAI({ baseURL: `${served.url}/v1`, apiKey: KEY, maxRetries: 0 });
  await assert.rejects(
    client.withOptions({ apiKey: 'another' }).chat.completions.create(CHAT),
    OpenAI.AuthenticationError,
  );
  await assert.rejects(client.chat.completions.create({ ...CHAT, max_tokens: -2 }), OpenAI.BadRequestError);
  const stream = await client.chat.completions.create({ ...CHAT, max_tokens: 100_000, stream: true });
  for await (const chunk of stream) if (chunk.choices[0]?.delta.content) break;
  assert.equal((await client.chat.completions.create(CHAT)).usage?.completion_tokens, TOKENS);
});

test('fetch: 100 streams at once, each whole', async () => {
  await using served = await serve();
  const generate = (number: number, stream: boolean) =>
    fetch(`${served.url}/generate`, {
      method: 'POST',
      headers: { authorization: `Bearer ${KEY}`, 'content-type': 'application/json' },
      body: JSON.stringify({ text: `${number} ${QUESTION}`, stream, sampling_params: { max_new_tokens: TOKENS } }),
    });
  const streamed = async (number: number) => {
    const { events, done } = await readEvents(await generate(number, true));
    assert.ok(done);
    assert.equal(events.at(-1).meta_info.completion_tokens, TOKENS);
    return events.at(-1).text;
  };
  const texts = await Promise.all(Array.from({ length: 100 }, (_, number) => streamed(number)));
  const whole: Json = await (await generate(0, false)).json();
  assert.equal(whole.text, texts[0]);
  assert.equal(whole.meta_info.completion_tokens, TOKENS);
});
