import assert from 'node:assert/strict';
import { test } from 'node:test';
import { boardLines, type Shown } from '../../src/launch/board-lines.ts';
import { type PhaseName, shareOf } from '../../src/launch/phases.ts';

function shown(rank: number, name: PhaseName, more: Partial<Shown> = {}): Shown {
  const phase = { name };
  const plan = { rank, name: `w${rank}` } as Shown['plan'];
  const ready = name === 'ready';
  return { plan, port: 31_000 + rank, phase, share: shareOf(phase), ready, over: false, elapsedMs: 1_000, ...more };
}

test('servers that fit have a line each', () => {
  assert.deepEqual(boardLines([shown(0, 'weights'), shown(1, 'ready')], 2), [
    'w0 :31000  ████░░░░░░░░  weights  1.0 s',
    'w1 :31001  ████████████  ready  1.0 s',
  ]);
});

test('more than fit: one line for all, then those that ended or are furthest behind, in order', () => {
  const servers = [
    ...Array.from({ length: 20 }, (_, rank) => shown(rank, 'ready')),
    ...Array.from({ length: 15 }, (_, index) => shown(20 + index, 'warm-up')),
    shown(35, 'starting', { elapsedMs: 9_000 }),
    shown(36, 'warm-up', { over: true }),
    shown(37, 'weights'),
  ];
  assert.deepEqual(boardLines(servers, 4), [
    '38 servers  ███████████░  1 ended, 1 starting, 1 weights, 15 warm-up, 20 ready  9.0 s',
    'w35 :31035  ░░░░░░░░░░░░  starting  9.0 s',
    'w36 :31036  ██████████░░  ended  1.0 s',
    'w37 :31037  ████░░░░░░░░  weights  1.0 s',
  ]);
  assert.equal(boardLines(servers, 1).length, 1);
});

test('when all are ready the line for all is enough', () => {
  const servers = Array.from({ length: 300 }, (_, rank) => shown(rank, 'ready'));
  assert.deepEqual(boardLines(servers, 20), ['300 servers  ████████████  300 ready  1.0 s']);
});
