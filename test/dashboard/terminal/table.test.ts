import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type Column, tableLines } from '../../../src/dashboard/terminal/table.ts';

interface Row {
  readonly name: string;
  readonly size: string;
  readonly note: string;
}

const COLUMNS: readonly Column<Row>[] = [
  { title: 'NAME', text: ({ name }) => name, most: 10 },
  { title: 'SIZE', text: ({ size }) => size, right: true, spare: 1 },
  { title: 'NOTE', text: ({ note }) => note, spare: 2 },
];

test('columns are as wide as what stands in them, figures to the right', () => {
  const rows = [
    { name: 'a', size: '1', note: 'x' },
    { name: 'longer', size: '12345', note: '' },
  ];
  assert.deepEqual(tableLines(COLUMNS, rows, 80), ['NAME     SIZE  NOTE', 'a           1  x', 'longer  12345']);
});

test('what does not fit is left out, the least needed first, and no line is wider than it may be', () => {
  const rows = [{ name: 'abcdefghijklmnop', size: '1', note: 'x' }];
  assert.deepEqual(tableLines(COLUMNS, rows, 18), ['NAME        SIZE', 'abcdefghij     1']);
  assert.deepEqual(tableLines(COLUMNS, rows, 12), ['NAME', 'abcdefghij']);
  assert.deepEqual(tableLines(COLUMNS, rows, 4), ['NAME', 'abcd']);
});

test('a column in which nothing stands is left out', () => {
  assert.deepEqual(tableLines(COLUMNS, [{ name: 'a', size: '1', note: '' }], 80), ['NAME  SIZE', 'a        1']);
});

test('wide characters take the columns that they take, and what would move the cursor is not obeyed', () => {
  const rows = [
    { name: '模型', size: '1', note: '' },
    { name: 'a\x1b[2J\n', size: '2', note: '' },
  ];
  assert.deepEqual(tableLines(COLUMNS, rows, 80), ['NAME    SIZE', '模型       1', 'a�[2J�     2']);
});
