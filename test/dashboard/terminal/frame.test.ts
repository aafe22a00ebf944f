import assert from 'node:assert/strict';
import { test } from 'node:test';
import { frame, mostScrolled } from '../../../src/dashboard/terminal/frame.ts';
import { columnsOf } from '../../../src/terminal/columns.ts';
import { decisionView, snapshotWith, workerView } from '../../helpers/snapshot.ts';

const PARTS = { rates: [0, 1, 2, 4], scrolled: 0, notice: undefined, url: 'http://127.0.0.1:30000' };
const screen = (columns: number, rows: number, more: Partial<Parameters<typeof frame>[0]> = {}) =>
  frame({ snapshot: snapshotWith(), ...PARTS, columns, rows, ...more }).map(({ text }) => text);

test('everything is on one screen of 80 × 24: state, traffic, workers, errors, decisions, keys', () => {
  const lines = screen(80, 24);
  assert.equal(lines.length, 24);
  assert.equal(lines[0], '● serving  2 of 2 workers  cache_aware  up 1 h 0 m  version 1.0.0');
  assert.equal(lines[1], 'in flight 6  queued 0  requests/s 41  errors/s 0.5  output tokens/s 1.2k');
  assert.equal(lines[2], 'first token 41/230 ms  whole 0.41/2.3 s  hit rate 80/76%  (last 60 s)');
  assert.equal(lines[3], 'requests/s ▁▃▅█');
  assert.match(lines[4]!, /^WORKER +STATE +FLIGHT +RUN\+WAIT +KV +TTFT 50\/99 +ITL 50\/99 +HIT P\/A$/);
  assert.match(lines[5]!, /^127.0.0.1:31000 +● ready +3 +2\+1 +63%/);
  assert.ok(lines.some((line) => /^status 500 +router +127.0.0.1:31001 +2 +7/.test(line)));
  assert.ok(lines.some((line) => /127.0.0.1:31000 +cache_aware: match/.test(line)));
  assert.match(lines[23]!, /^q quit/);
});

test('a larger screen has more columns', () => {
  assert.match(screen(200, 50)[4]!, /KV +REQ\/S +TTFT 50\/99 +ITL 50\/99 +HIT P\/A +FAILED/);
});

test('whatever there is to show, no frame is larger than its screen', () => {
  const workers = Array.from({ length: 1_000 }, (_, number) => workerView(number, { problem: 'ä模型'.repeat(50) }));
  const decisions = Array.from({ length: 50 }, (_, number) => decisionView(number));
  const snapshot = snapshotWith({ workers, decisions });
  for (const [columns, rows] of [
    [80, 24],
    [200, 50],
    [40, 10],
    [1, 1],
    [10, 3],
    [300, 6],
  ] as const) {
    const lines = screen(columns, rows, { snapshot });
    assert.equal(lines.length, rows);
    for (const line of lines) assert.ok(columnsOf(line) <= columns, line);
  }
});

test('workers that do not fit are counted, and scrolled to', () => {
  const workers = Array.from({ length: 40 }, (_, number) => workerView(number));
  const snapshot = snapshotWith({ workers });
  assert.ok(screen(80, 24, { snapshot }).some((line) => /^… \d+ more$/.test(line)));
  assert.match(screen(80, 24, { snapshot, scrolled: 30 })[5]!, /127.0.0.1:31030/);
  assert.equal(mostScrolled(snapshot), 39);
});

test('servers that start are shown with their phase, and what is said takes the place of the keys', () => {
  const server = {
    name: 'w0',
    url: 'http://127.0.0.1:31000',
    phase: 'weights',
    progress: 0.5,
    share: 0.4,
    elapsedSecs: 12.3,
    starts: 1,
  };
  const lines = screen(80, 24, {
    snapshot: snapshotWith({ servers: [{ ...server, state: 'starting' }] }),
    notice: 'connection lost',
  });
  assert.ok(
    lines.some((line) => /^w0 127.0.0.1:31000 +◐ starting +weights 50% +█{5}░{7} +12.3 s/.test(line)),
    lines.join('\n'),
  );
  assert.equal(lines[23], 'connection lost');
});
