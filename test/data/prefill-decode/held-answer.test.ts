import assert from 'node:assert/strict';
import { test } from 'node:test';
import { HeldAnswer } from '../../../src/data/prefill-decode/held-answer.ts';
import type { AnswerInfo, Sink } from '../../../src/data/sink.ts';
import { RouterError } from '../../../src/errors/errors.ts';

const LONG = 300 * 1024;
const INFO: AnswerInfo = { streams: false, describe: () => {} };

function held(status: number, chunks: readonly string[], { whole = false, mostBytes = 2 ** 20 } = {}): HeldAnswer {
  const answer = new HeldAnswer({ from: 'http://p', whole, mostBytes });
  answer.head(status, undefined, {}, INFO);
  for (const chunk of chunks) answer.data(Buffer.from(chunk));
  answer.end();
  return answer;
}

/** What a client would get. */
function passed(answer: HeldAnswer): string {
  let text = '';
  const sink: Sink = {
    started: false,
    head: () => {},
    data: (chunk) => {
      text += chunk;
      return true;
    },
    whenDrained: () => {},
    end: () => {},
    breakOff: () => {},
  };
  answer.passTo(sink);
  return text;
}

const tooLarge = (error: unknown) => error instanceof RouterError && error.code === 'worker_answer_too_large';

for (const [text, abort] of [
  ['{"meta_info":{"finish_reason":{"type": "abort","message":"m","status_code": 500}}}', 'failed'],
  ['{"meta_info":{"finish_reason":{"type":"abort","status_code":400}}}', 'refused'],
  ['data: {"error": {"message":"m","code": 503}}\n\n', 'failed'],
  ['{"text":"{\\"type\\":\\"abort\\"}"}', undefined],
] as const) {
  test(`${text}: ${abort ?? 'no abort'}, wherever it is cut`, () => {
    for (let at = 0; at <= text.length; at++)
      assert.equal(held(200, [text.slice(0, at), text.slice(at)]).abort, abort, `cut at ${at}`);
  });
}

test('an abort behind the first 256 KiB is one too', () => {
  const answer = held(200, ['x'.repeat(LONG), '{"type":"abort"}']);
  assert.equal(answer.abort, 'refused');
});

test('whether it was aborted is known without a look at all of it again', (t) => {
  const answer = held(200, ['{"type":"abort"}', '"status_code":500'], { whole: true });
  const body = t.mock.getter(answer, 'body', () => Buffer.alloc(0));
  assert.deepEqual([answer.abort, answer.abort], ['failed', 'failed']);
  assert.equal(body.mock.callCount(), 0);
});

test('an error of any length that may be held is the client’s whole', () => {
  const error = `{"error":"${'e'.repeat(LONG)}"}`;
  assert.equal(passed(held(400, [error])), error);
});

test('more than may be held of what is needed is an error; what is not needed is dropped', () => {
  assert.throws(() => held(200, ['x'.repeat(LONG)], { whole: true, mostBytes: LONG - 1 }), tooLarge);
  assert.throws(() => held(500, ['x'.repeat(LONG)], { mostBytes: LONG - 1 }), tooLarge);
  assert.equal(held(200, ['x'.repeat(LONG)], { whole: true, mostBytes: LONG }).body.length, LONG);
  assert.equal(held(200, ['x'.repeat(LONG)], { mostBytes: 1 }).abort, undefined);
});

test('an abort of which not all was kept is an error rather than cut', () => {
  assert.throws(() => passed(held(200, ['{"type":"abort"}', 'x'.repeat(LONG)])), tooLarge);
});
