import assert from 'node:assert/strict';
import { test } from 'node:test';
import { canRedraw, paintFor } from '../../src/terminal/kind.ts';

test('a board needs a terminal whose cursor moves and which is looked at', () => {
  assert.equal(canRedraw(true, { TERM: 'xterm' }), true);
  assert.equal(canRedraw(true, { CI: 'false' }), true);
  assert.equal(canRedraw(false, { TERM: 'xterm' }), false);
  for (const env of [{ TERM: 'dumb' }, { CI: 'true' }, { CI: '1' }]) assert.equal(canRedraw(true, env), false);
});

test('colours are for terminals that have them, unless NO_COLOR is set', () => {
  assert.notEqual(paintFor(true, {})('red', 'x'), 'x');
  assert.notEqual(paintFor(true, { NO_COLOR: '' })('red', 'x'), 'x');
  assert.equal(paintFor(false, {})('red', 'x'), 'x');
  for (const env of [{ NO_COLOR: '1' }, { TERM: 'dumb' }]) assert.equal(paintFor(true, env)('red', 'x'), 'x');
});
