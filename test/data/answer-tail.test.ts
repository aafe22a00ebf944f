import assert from 'node:assert/strict';
import { test } from 'node:test';
import { AnswerTail } from '../../src/data/answer-tail.ts';

function read(...chunks: readonly string[]) {
  const tail = new AnswerTail();
  for (const chunk of chunks) tail.see(Buffer.from(chunk));
  return tail.read();
}

const counts = (promptTokens?: number, cachedTokens?: number, completionTokens?: number) => ({
  promptTokens,
  cachedTokens,
  completionTokens,
});

test('reads the counts of SGLang and of OpenAI, whole and streamed', () => {
  const meta =
    '"meta_info":{"id":"x","prompt_tokens":782,"completion_tokens":4,"cached_tokens":781,"cached_tokens_details":null}';
  const usage = '"usage":{"prompt_tokens":90,"total_tokens":99,"prompt_tokens_details":{"cached_tokens": 64}}';
  assert.deepEqual(read(`{"text":"hello",${meta}}`), counts(782, 781, 4));
  assert.deepEqual(read(`{"choices":[],${usage},"metadata":{}}`), counts(90, 64));
  assert.deepEqual(read('data: {}\n\n', `data: {${meta}}\n\n`, 'data: [DONE]\n\n'), counts(782, 781, 4));
  assert.deepEqual(read('data: {}\n\n', `data: {"choices":[],${usage}}\n\ndata: [DONE]\n\n`), counts(90, 64));
});

test('reads chunks that came in the chunked coding, also counts that are cut into two of them', () => {
  const tail = new AnswerTail();
  const coded = (text: string) => `${text.length.toString(16)}\r\n${text}\r\n`;
  tail.see(Buffer.from('data: {}\n\n'));
  tail.seeChunks(
    Buffer.from(
      coded('data: {"usage":{"prompt_tokens":9') + coded('0,"completion_tokens":7}}\n\n') + coded('data: [DONE]\n\n'),
    ),
  );
  assert.deepEqual(tail.read(), counts(90, undefined, 7));
  tail.seeChunks(Buffer.from(coded('data: {"error":{"code":503}}\n\n')));
  assert.equal(tail.errorStatus(), 503);
});

test('reads those of the responses API', () => {
  const usage = '"usage":{"input_tokens":12,"input_tokens_details":{"cached_tokens":8},"output_tokens":1}';
  assert.deepEqual(
    read('event: a\n\n', `event: response.completed\ndata: {"response":{${usage}}}\n\n`),
    counts(12, 8, 1),
  );
});

test('the last of many counts, also of one cut into two chunks', () => {
  const event = (cached: number) => `data: {"meta_info":{"prompt_tokens":100,"cached_tokens":${cached}}}\n\n`;
  assert.deepEqual(read(event(1), event(2), event(3), 'data: [DONE]\n\n'), counts(100, 3));
  assert.deepEqual(read(event(1), event(99).slice(0, -6), event(99).slice(-6), 'data: [DONE]\n\n'), counts(100, 99));
});

test('unknown where the answer has none, or is the answer to many prompts', () => {
  assert.deepEqual(read(), counts());
  assert.deepEqual(read('{"usage":{"prompt_tokens":5,"prompt_tokens_details":null}}'), counts(5));
  assert.deepEqual(read('[{"meta_info":{"prompt_tokens":5,"cached_tokens":1}}]'), counts());
});

test('unknown where each event has the counts of another prompt, or a number is cut off', () => {
  const event = (index: number) =>
    `data: {"text":"x","meta_info":{"prompt_tokens":9,"cached_tokens":8,"completion_tokens":1},"index":${index}}\n\n`;
  assert.deepEqual(read(event(0), event(1), 'data: [DONE]\n\n'), counts());
  assert.deepEqual(read('data: {"meta_info":{"prompt_tokens":1234,"cached_tokens":12'), counts(1234));
});

test('what the model writes is not mistaken for a count', () => {
  const text = JSON.stringify('{"cached_tokens": 7, "prompt_tokens": 8}');
  assert.deepEqual(read(`{"text":${text}}`), counts());
});
