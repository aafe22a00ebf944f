import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Sessions } from '../../../src/scheduler/policies/sessions.ts';
import { WorkerView } from '../../../src/scheduler/policies/worker-view.ts';

const MINUTE_MS = 60_000;

function create() {
  const clock = { nowMs: 1000 };
  return { sessions: new Sessions(() => clock.nowMs), clock, view: new WorkerView() };
}

test('a session is where it was last', () => {
  const { sessions, view } = create();
  const other = new WorkerView();
  sessions.remember('a', view);
  sessions.remember('b', view);
  sessions.remember('a', other);
  assert.equal(sessions.recall('a'), other);
  assert.equal(sessions.recall('b'), view);
  assert.equal(sessions.recall('c'), undefined);
});

test('a session in use is remembered, an idle one forgotten', () => {
  const { sessions, clock, view } = create();
  sessions.remember('idle', view);
  for (let minute = 0; minute < 12; minute++) {
    sessions.remember('used', view);
    clock.nowMs += MINUTE_MS;
    assert.equal(sessions.recall('used'), view);
    if (minute < 4) assert.equal(sessions.recall('idle'), view);
  }
  assert.equal(sessions.recall('idle'), undefined);
});

test('after a long silence none is left', () => {
  const { sessions, clock, view } = create();
  sessions.remember('a', view);
  clock.nowMs += 60 * MINUTE_MS;
  assert.equal(sessions.recall('a'), undefined);
});

test('of very many keys the latest are kept', () => {
  const { sessions, view } = create();
  for (let n = 0; n < 200_000; n++) sessions.remember(`session ${n}`, view);
  let kept = 0;
  for (let n = 0; n < 200_000; n++) if (sessions.recall(`session ${n}`)) kept++;
  assert.equal(sessions.recall('session 199999'), view);
  assert.ok(kept >= 30_000 && kept <= 70_000, `${kept}`);
});
