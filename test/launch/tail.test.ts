import assert from 'node:assert/strict';
import { test } from 'node:test';
import { LineReader, Tail } from '../../src/launch/tail.ts';

test('lines end with newlines and carriage returns, in whatever pieces they come', () => {
  const reader = new LineReader();
  const lines = [];
  for (const byte of Buffer.from('one\ntwö\r\n\n 50%\r100%\rlast')) lines.push(...reader.read(Buffer.of(byte)));
  assert.deepEqual(lines, ['one', 'twö', ' 50%', '100%']);
  assert.deepEqual(reader.end(), ['last']);
  assert.deepEqual(reader.end(), []);
});

test('a line without end takes no more memory than a long one', () => {
  const reader = new LineReader();
  const lines = [];
  for (let count = 0; count < 100; count++) lines.push(...reader.read(Buffer.alloc(1_000, 'x')));
  assert.ok(lines.length > 1);
  assert.ok(lines.every((line) => line.length <= 5_001));
});

test('the tail keeps the last lines', () => {
  const tail = new Tail(3);
  for (let count = 0; count < 20; count++) tail.push([`line ${count}`]);
  assert.deepEqual(tail.lines, ['line 17', 'line 18', 'line 19']);
});
