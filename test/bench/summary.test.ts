import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Answer } from '../../src/bench/client.ts';
import { summarize } from '../../src/bench/summary.ts';

const OBJECTIVE = { ttftMs: 100, itlMs: 20 };

function answer(more: Partial<Answer> = {}): Answer {
  return {
    ...{ sentMs: 1000, firstMs: 1050, endMs: 2000, gapsMs: [10, 10], text: '', outputTokens: 3 },
    ...{ promptTokens: 100, cachedTokens: 40, worker: 'w0', predictedShare: undefined, error: undefined },
    ...more,
  };
}

test('times and rates are those of the good answers, over the whole time', () => {
  const summary = summarize(
    [
      answer(),
      answer({ sentMs: 1500, firstMs: 1900, endMs: 3000 }),
      answer({ gapsMs: [50, 50] }),
      answer({ error: 'HTTP 500: x', endMs: 5000 }),
    ],
    [],
    OBJECTIVE,
  );
  assert.equal(summary.makespanSecs, 4);
  assert.equal(summary.errors, 1);
  assert.deepEqual(summary.errorKinds, { 'HTTP 500: x': 1 });
  assert.equal(summary.ttftMs.p50, 50);
  assert.equal(summary.outputTokensPerSec, 9 / 4);
  assert.equal(summary.goodput, 1 / 4);
  assert.equal(summary.itlMs.p50, 10);
});

test('engines are asked before answers are believed', () => {
  const counted = { requests: 3, promptTokens: 1000, cachedTokens: 900, generatedTokens: 9, lostSecs: 0 };
  const told = summarize([answer()], [counted, { ...counted, requests: 1 }, undefined], OBJECTIVE);
  assert.equal(told.hitShare, 0.9);
  assert.deepEqual(told.workerShares, [0.75, 0.25]);
  assert.equal(told.hotspot, 1.5);
  const untold = summarize([answer(), answer({ worker: 'w1', cachedTokens: 60 })], [], OBJECTIVE);
  assert.equal(untold.hitShare, 0.5);
  assert.deepEqual(untold.workerShares, [0.5, 0.5]);
});

test('the predicted share is weighted by length; without anybody telling there is none', () => {
  const answers = [answer({ predictedShare: 1, promptTokens: 300 }), answer({ predictedShare: 0 })];
  assert.equal(summarize(answers, [], OBJECTIVE).predictedShare, 0.75);
  assert.equal(summarize([answer()], [], OBJECTIVE).predictedShare, undefined);
  assert.equal(summarize([answer({ cachedTokens: undefined })], [], OBJECTIVE).hitShare, undefined);
});
