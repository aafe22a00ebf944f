import assert from 'node:assert/strict';
import { test } from 'node:test';
import { MergingAnswer } from '../../../src/data/prefill-decode/merging-answer.ts';
import type { Sink } from '../../../src/data/sink.ts';
import { RouterError } from '../../../src/errors/errors.ts';

const NOBODY: Sink = {
  started: false,
  head: () => {},
  data: () => true,
  whenDrained: () => {},
  end: () => {},
  breakOff: () => {},
};

for (const [what, streams, chunk] of [
  ['an answer that is not streamed', false, '{"text":"aaaa'],
  ['an event that does not end', true, 'data: {"aaaa'],
] as const) {
  test(`${what} is held as far as it may be`, () => {
    const answer = new MergingAnswer(NOBODY, { merge: (json) => json }, { from: 'http://d', mostBytes: 20 });
    answer.head(200, undefined, {}, { streams, describe: () => {} });
    answer.learned();
    answer.data(Buffer.from(chunk));
    assert.throws(
      () => answer.data(Buffer.from(chunk)),
      (error) => error instanceof RouterError && error.code === 'worker_answer_too_large',
    );
  });
}

test('a stream of whole events may be of any length', () => {
  const answer = new MergingAnswer(NOBODY, { merge: (json) => json }, { from: 'http://d', mostBytes: 20 });
  answer.head(200, undefined, {}, { streams: true, describe: () => {} });
  answer.learned();
  for (let i = 0; i < 100; i++) assert.equal(answer.data(Buffer.from('data: {}\n\n')), true);
});
