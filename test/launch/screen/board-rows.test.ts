import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { PhaseName } from '../../../src/launch/phases.ts';
import { boardRows, type Row } from '../../../src/launch/screen/board-rows.ts';
import { textOf } from '../../../src/terminal/line.ts';

function row(rank: number, name: PhaseName, more: Partial<Row['server']> = {}, about: Partial<Row> = {}): Row {
  const plan = { rank, name: `w${rank}`, gpus: [rank] } as unknown as Row['server']['plan'];
  const ready = name === 'ready';
  const server = {
    plan,
    port: 31_000 + rank,
    phase: { name },
    ready,
    over: false,
    elapsedMs: 1_000,
    progress: { capacity: {} },
  };
  return { server: { ...server, ...more }, note: undefined, remainingMs: undefined, onGpus: false, ...about };
}

const textsOf = (rows: readonly Row[], room = 20) => boardRows(rows, room).map(textOf);

test('servers that fit have a line each, in columns', () => {
  assert.deepEqual(textsOf([row(0, 'CUDA graphs'), row(1, 'ready', { elapsedMs: 33_400 })]), [
    'w0  :31000  ████████░░░░  CUDA graphs  1.0 s',
    'w1  :31001  ████████████  ✓ ready      33.4 s',
  ]);
});

test('a server that starts has its estimate, and a bar by time; a ready one what it has', () => {
  const capacity = { kvTokens: 412_000, freeBeforeGb: 78.7, freeGb: 12.6 };
  const rows = [
    row(0, 'weights', { elapsedMs: 10_000 }, { remainingMs: 30_000, onGpus: true }),
    row(1, 'ready', { progress: { capacity } }, { onGpus: true }),
    row(2, 'warm-up', { elapsedMs: 9_000 }, { remainingMs: 200, onGpus: true }),
  ];
  assert.deepEqual(textsOf(rows), [
    'w0  :31000  GPU 0  ███░░░░░░░░░  weights  10.0 s  about 30 s more',
    'w1  :31001  GPU 1  ████████████  ✓ ready  1.0 s   KV 412k tokens   66.1 GB',
    'w2  :31002  GPU 2  ████████████  warm-up  9.0 s   any moment',
  ]);
});

test('what is noted of a server stands in place of its phase', () => {
  const over = { over: true, elapsedMs: 800_000 };
  assert.deepEqual(textsOf([row(0, 'ready', over, { note: 'restart 1 of 5' }), row(1, 'starting', over)]), [
    'w0  :31000  ░░░░░░░░░░░░  restart 1 of 5',
    'w1  :31001  ░░░░░░░░░░░░  ✗ ended         13 min 20 s',
  ]);
});

test('more than fit: one line for all, then those that ended or are furthest behind, in order', () => {
  const rows = [
    ...Array.from({ length: 20 }, (_, rank) => row(rank, 'ready')),
    ...Array.from({ length: 15 }, (_, index) => row(20 + index, 'warm-up')),
    row(35, 'starting', { elapsedMs: 9_000 }),
    row(36, 'warm-up', { over: true }),
    row(37, 'weights'),
  ];
  assert.deepEqual(textsOf(rows, 4), [
    '38 servers  ███████████░  1 ended, 1 starting, 1 weights, 15 warm-up, 20 ready  9.0 s',
    'w35  :31035  ░░░░░░░░░░░░  starting  9.0 s',
    'w36  :31036  ██████████░░  ✗ ended   1.0 s',
    'w37  :31037  ████░░░░░░░░  weights   1.0 s',
  ]);
  assert.equal(textsOf(rows, 1).length, 1);
});

test('when all are ready the line for all is enough', () => {
  const rows = Array.from({ length: 300 }, (_, rank) => row(rank, 'ready'));
  assert.deepEqual(textsOf(rows), ['300 servers  ████████████  300 ready  1.0 s']);
});

test('rows of a usual launch fit 80 columns', () => {
  const capacity = { kvTokens: 1_412_000, freeBeforeGb: 78.7, freeGb: 2.6 };
  const rows = [row(7, 'ready', { elapsedMs: 93_000, progress: { capacity } }, { onGpus: true })];
  for (const text of textsOf(rows)) assert.ok(text.length < 80, text);
});
