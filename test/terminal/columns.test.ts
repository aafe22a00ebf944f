import assert from 'node:assert/strict';
import { test } from 'node:test';
import { columnsOf, cutToColumns } from '../../src/terminal/columns.ts';

test('columns of a terminal', () => {
  assert.deepEqual(
    ['', 'abc', '█░', '模型', 'ｗ', '한글', 'e\u0301', '🚀', 'a\u200db'].map(columnsOf),
    [0, 3, 2, 4, 2, 4, 1, 2, 2],
  );
});

test('a text is cut before the character that does not fit', () => {
  assert.equal(cutToColumns('abcdef', 3), 'abc');
  assert.equal(cutToColumns('abc', 3), 'abc');
  assert.equal(cutToColumns('模型', 3), '模');
  assert.equal(cutToColumns('e\u0301x', 1), 'e\u0301');
  assert.equal(cutToColumns('🚀', 1), '');
  assert.equal(cutToColumns('abc', 0), '');
});
