import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Progress } from '../../src/bench/progress.ts';

test('the bar says how far it is', () => {
  let now = 0;
  const progress = new Progress({ write: () => true }, 'gsp · smg', 4, () => now);
  for (let i = 0; i < 3; i++) progress.asked();
  progress.answered({ error: undefined });
  progress.answered({ error: 'timeout' });
  now = 1500;
  assert.equal(progress.line(), 'gsp · smg  ████████████░░░░░░░░░░░░ 2/4 · 1 under way · 1 errors · 1.5 s');
});

test('on a terminal the line never takes more than one row', (t) => {
  t.mock.timers.enable({ apis: ['setInterval'] });
  let text = '';
  const output = { isTTY: true, columns: 30, write: (more: string) => (text += more) };
  const progress = new Progress(output, 'gsp · smg', 4);
  t.mock.timers.tick(250);
  progress.end('done');
  assert.deepEqual(
    text.split('\r\x1b[2K').map((line) => line.length),
    [0, 29, 29, 5],
  );
});

test('elsewhere than on a terminal: a line at the beginning and one at the end, no control characters', () => {
  const written: string[] = [];
  const progress = new Progress({ write: (text) => written.push(text) }, 'gsp', 4);
  progress.asked();
  progress.end('gsp: done');
  assert.deepEqual(written, ['gsp: 4 requests\n', 'gsp: done\n']);
});
