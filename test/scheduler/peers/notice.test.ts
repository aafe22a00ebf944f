import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Blocks } from '../../../src/scheduler/index/blocks.ts';
import {
  chosenLine,
  computedLine,
  MAX_LINE_BYTES,
  readNotice,
  settledLine,
} from '../../../src/scheduler/peers/notice.ts';
import type { SharedChoice } from '../../../src/scheduler/policies/shared-choice.ts';
import { seededRandom } from '../../helpers/seeded-random.ts';

function choiceOf(prompt: Uint8Array, more: Partial<SharedChoice> = {}): SharedChoice {
  const blocks = new Blocks().hash(prompt);
  return {
    url: 'http://10.0.0.1:8000',
    promptBytes: blocks.bytes,
    hashes: blocks.hashes(),
    depths: [],
    uncachedTokens: 12,
    streams: false,
    session: undefined,
    ...more,
  };
}

const lineOf = (line: string) => line.replace(/\n$/, '');

test('what is written is read', () => {
  const random = seededRandom(1);
  for (let n = 0; n < 200; n++) {
    const prompt = Uint8Array.from({ length: Math.floor(random() * 5000) }, () => random() * 256);
    const choice = choiceOf(prompt, {
      url: random() < 0.5 ? 'http://[::1]:8000@3' : 'http://w:1',
      depths: prompt.length > 600 ? [1, 2] : [],
      streams: random() < 0.5,
      session: random() < 0.5 ? Math.floor(random() * 2 ** 53) : undefined,
    });
    const line = chosenLine(n, choice);
    assert.match(line, /^[!-~ ]+\n$/);
    assert.deepEqual(readNotice(lineOf(line)), { kind: 'chosen', number: n, choice });
  }
  assert.deepEqual(readNotice(lineOf(computedLine(7))), { kind: 'computed', number: 7 });
  assert.deepEqual(readNotice(lineOf(settledLine(7, -3.4))), { kind: 'settled', number: 7, surplusTokens: -3 });
});

test('the same blocks come of it, so that another router finds the prompt', () => {
  const prompt = Buffer.from('a prompt of some length. '.repeat(100));
  const own = new Blocks().hash(prompt);
  const taken = new Blocks().take(own.bytes, own.hashes());
  assert.deepEqual([taken.count, taken.bytes], [own.count, own.bytes]);
  assert.deepEqual(taken.lo.subarray(0, own.count), own.lo.subarray(0, own.count));
  assert.deepEqual(taken.hi.subarray(0, own.count), own.hi.subarray(0, own.count));
});

test('the line of the longest prompt is one that is accepted', () => {
  const line = chosenLine(1, choiceOf(new Uint8Array(64 * 1024 * 1024), { url: `http://${'w'.repeat(2000)}` }));
  assert.ok(line.length <= MAX_LINE_BYTES, `${line.length}`);
  assert.equal(readNotice(lineOf(line)).kind, 'chosen');
});

test('anything else is refused', () => {
  const good = lineOf(chosenLine(1, choiceOf(Buffer.alloc(600, 'x'), { depths: [2] })));
  const [, , url, bytes, tokens, streams, session, depths, hashes] = good.split(' ');
  const wrong = [
    ...['', 'x', 'p', 'p x', 'p 1 2', 'e 1', 'e 1 x', 'e 1 1e999', 'c 1', `${good} more`],
    ['c', 1, url, Number(bytes) + 300, tokens, streams, session, depths, hashes].join(' '),
    ['c', 1, url, -1, tokens, streams, session, '', ''].join(' '),
    ['c', 1, url, bytes, 'many', streams, session, depths, hashes].join(' '),
    ['c', 1, url, bytes, tokens, streams, session, '4', hashes].join(' '),
    ['c', 1, url, bytes, tokens, streams, session, '0', hashes].join(' '),
    ['c', 1, url, bytes, tokens, streams, session, depths, hashes?.slice(0, 10)].join(' '),
  ];
  assert.equal(readNotice(good).kind, 'chosen');
  for (const line of wrong) assert.throws(() => readNotice(line), RangeError, line);
});
