import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Decisions } from '../../src/dashboard/decisions.ts';
import { RequestRecord } from '../../src/observe/request-record.ts';

const W0 = 'http://w0:1';
const W1 = 'http://w1:1';
const chosen = (worker: string, more = {}) => ({
  worker,
  policy: 'cache_aware',
  reason: 'prefix',
  matchedBytes: 30,
  promptBytes: 40,
  ...more,
});

function request(): RequestRecord {
  return new RequestRecord('gnt-1', 'POST', '/generate', '/generate');
}

/** As the observer does it. */
function attempt(decisions: Decisions, record: RequestRecord, worker: string, more = {}): void {
  record.attempts++;
  decisions.chosen(record, chosen(worker, more), false);
}

test('while nobody looks nothing is kept and no scores are wanted', () => {
  const decisions = new Decisions();
  attempt(decisions, request(), W0);
  assert.equal(decisions.wantsScores, false);
  decisions.start();
  assert.deepEqual(decisions.read(), []);
  attempt(decisions, request(), W0);
  assert.equal(decisions.read().length, 1);
  decisions.stop();
  decisions.start();
  assert.deepEqual(decisions.read(), []);
});

test('what became of a request stands beside its last attempt, the newest first', () => {
  const decisions = new Decisions();
  decisions.start();
  const record = request();
  attempt(decisions, record, W0);
  assert.equal(decisions.read()[0]?.state, 'running');
  attempt(decisions, record, W1);
  Object.assign(record, { status: 200, totalMs: 80, firstByteMs: 20, promptTokens: 100, cachedTokens: 75 });
  const [second, first] = decisions.read();
  assert.deepEqual([first?.worker, first?.attempt, first?.state, first?.status], [W0, 1, 'tried again', null]);
  assert.deepEqual([second?.worker, second?.attempt, second?.state, second?.status], [W1, 2, 'ended', 200]);
  assert.deepEqual([second?.predictedHit, second?.actualHit, second?.ttftMs, second?.totalMs], [0.75, 0.75, 20, 80]);
});

test('of a prefill and a decode server both have what became of the request', () => {
  const decisions = new Decisions();
  decisions.start();
  const record = request();
  decisions.chosen(record, chosen(W0), true);
  attempt(decisions, record, W1);
  Object.assign(record, { status: 200, totalMs: 80 });
  assert.deepEqual(
    decisions.read().map(({ worker, attempt: number, state }) => [worker, number, state]),
    [
      [W1, 1, 'ended'],
      [W0, 1, 'ended'],
    ],
  );
});

test('there are fifty at most, a name of a model has eighty characters, and eight workers are compared', () => {
  const decisions = new Decisions();
  decisions.start();
  const scores = Array.from({ length: 20 }, (_, number) => ({ worker: `http://w${number}:1`, cost: number }));
  for (let count = 0; count < 1_000; count++) {
    const record = request();
    record.model = 'm'.repeat(1_000_000);
    attempt(decisions, record, 'http://w15:1', { scores });
  }
  const all = decisions.read();
  assert.equal(all.length, 50);
  assert.equal(all[0]?.model?.length, 80);
  assert.equal(all[0]?.scores.length, 8);
  assert.deepEqual(all[0]?.scores[0], { worker: 'http://w15:1', cost: 15 });
});

test('scores are wanted of ten choices a second at most', (t) => {
  let nowMs = 1_000;
  t.mock.method(performance, 'now', () => nowMs);
  const decisions = new Decisions();
  decisions.start();
  assert.ok(decisions.wantsScores);
  attempt(decisions, request(), W0, { scores: [] });
  assert.ok(!decisions.wantsScores);
  nowMs += 100;
  assert.ok(decisions.wantsScores);
});
