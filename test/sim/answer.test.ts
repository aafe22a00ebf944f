import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Answer, type AnswerLimits } from '../../src/sim/answer.ts';
import { tokenize } from '../../src/sim/tokens.ts';

const LIMITS: AnswerLimits = { maxTokens: 40, meanTokens: 128, roomTokens: 10_000, stop: [], firstOnly: false };

function write(prompt: string, seed = 0, limits: Partial<AnswerLimits> = {}): Answer {
  const answer = new Answer(tokenize(prompt), seed, { ...LIMITS, ...limits });
  while (answer.ids.length < answer.length) answer.next();
  return answer;
}

test('the same prompt and seed always give the same answer, others give another', () => {
  assert.equal(write('a prompt').text, write('a prompt').text);
  assert.notEqual(write('a prompt').text, write('another prompt').text);
  assert.notEqual(write('a prompt').text, write('a prompt', 1).text);
});

test('the text gives the ids again', () => {
  const answer = write('a prompt');
  assert.deepEqual(tokenize(answer.text), answer.ids);
});

test('a limit is used up', () => {
  const answer = write('a prompt');
  assert.equal(answer.ids.length, 40);
  assert.deepEqual(answer.finish, { type: 'length', length: 40 });
});

test('without a limit the answer ends by itself, at a length that varies around the mean', () => {
  const lengths = Array.from({ length: 300 }, (_, i) => write(`prompt ${i}`, 0, { maxTokens: undefined }).length);
  assert.equal(Math.min(...lengths) >= 64 && Math.max(...lengths) <= 192, true);
  const mean = lengths.reduce((sum, length) => sum + length, 0) / lengths.length;
  assert.ok(Math.abs(mean - 128) < 15, `mean ${mean}`);
  assert.equal(write('a prompt', 0, { maxTokens: undefined }).finish.type, 'stop');
});

test('an answer without a limit is cut where there is no more room', () => {
  const answer = write('a prompt', 0, { maxTokens: undefined, roomTokens: 7 });
  assert.deepEqual(answer.finish, { type: 'length', length: 7 });
});

test('a stop text ends the answer and is not shown', () => {
  const whole = write('a prompt');
  const stop = whole.text.slice(50, 54);
  const answer = write('a prompt', 0, { stop: ['never there', stop] });
  assert.deepEqual(answer.finish, { type: 'stop', matched: stop });
  assert.equal(answer.text, whole.text.slice(0, whole.text.indexOf(stop)));
  assert.ok(answer.ids.length < whole.ids.length);
});
