import assert from 'node:assert/strict';
import { test } from 'node:test';
import { wrap } from '../../src/terminal/wrap.ts';

test('lines end between words; a word that is longer has one to itself', () => {
  assert.deepEqual(wrap('one two three four', 9), ['one two', 'three', 'four']);
  assert.deepEqual(wrap('a /very/long/path b', 5), ['a', '/very/long/path', 'b']);
  assert.deepEqual(wrap('', 5), ['']);
  assert.deepEqual(wrap('模型 模型', 4), ['模型', '模型']);
});
