import assert from 'node:assert/strict';
import { test } from 'node:test';
import { arriving, possibleHits, segment, single } from '../../src/bench/prompt.ts';
import { Random } from '../../src/bench/random.ts';
import { tokenize } from '../../src/sim/tokens.ts';

test('a segment has exactly the tokens that it says, also behind another one', () => {
  const first = segment(1, 'first', 200);
  const second = segment(1, 'second', 77);
  assert.equal(tokenize(first.text).length, 200);
  assert.equal(tokenize(first.text + second.text).length, 277);
  assert.equal(first.text.length, 800);
});

test('seed and key decide the text', () => {
  assert.equal(segment(1, 'a', 50).text, segment(1, 'a', 50).text);
  assert.notEqual(segment(1, 'a', 50).text, segment(2, 'a', 50).text);
  assert.notEqual(segment(1, 'a', 50).text, segment(1, 'b', 50).text);
  assert.ok(segment(1, 'a', 50).text.startsWith(segment(1, 'a', 20).text));
});

test('possible hits: what stands at the beginning of an earlier prompt, and nothing else', () => {
  const [a, b] = [segment(1, 'a', 100), segment(1, 'b', 100)];
  const question = (name: string) => segment(1, name, 10);
  const sessions = [
    single([a], question('1'), 5),
    single([a], question('2'), 5),
    single([b, a], question('3'), 5),
    single([a], question('2'), 5),
  ];
  assert.deepEqual(possibleHits(sessions), { promptTokens: 110 * 3 + 210, hitTokens: 100 + 110 });
});

test('possible hits: the next turn finds prompt and answer of the one before', () => {
  const turn = (name: string) => ({ added: [segment(1, name, 10)], outputTokens: 5, pauseMs: 0 });
  const session = { system: [segment(1, 'system', 100)], turns: [turn('1'), turn('2'), turn('3')], startMs: 0 };
  assert.deepEqual(possibleHits([session]), { promptTokens: 110 + 125 + 140, hitTokens: 115 + 130 });
});

test('arrivals are Poisson: in order, with the rate that was asked for', () => {
  const sessions = Array.from({ length: 4000 }, () => single([], segment(1, 'q', 1), 1));
  const starts = arriving(sessions, 16, new Random(1)).map(({ startMs }) => startMs);
  assert.deepEqual(
    starts,
    starts.toSorted((a, b) => a - b),
  );
  const perSec = 4000 / ((starts.at(-1) as number) / 1000);
  assert.ok(Math.abs(perSec - 16) < 1, `${perSec} a second`);
  assert.ok(arriving(sessions, Number.POSITIVE_INFINITY, new Random(1)).every(({ startMs }) => startMs === 0));
});
