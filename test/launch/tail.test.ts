import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
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

test('what a terminal would obey is taken out: colours, movements, titles, bells', () => {
  const reader = new LineReader();
  const text =
    '\x1b[31mred\x1b[0m\n\x1b[2Aup\x1b[2K\n\x1b]0;title\x07t\n\x1b[?25lhid\x08den\u009b5Cx\n\x1b[A\x1b[A\n\x1bc\ttab \u0000ü\n';
  assert.deepEqual(reader.read(Buffer.from(text)), ['red', 'up', 't', 'hiddenx', '\ttab ü']);
});

test('lines that are kept do not keep what was cut off them', () => {
  setFlagsFromString('--expose-gc');
  const collect = runInNewContext('gc');
  const reader = new LineReader();
  const tail = new Tail();
  collect();
  const before = process.memoryUsage().heapUsed;
  for (let count = 0; count < 1_000; count++) {
    const line = Buffer.alloc(64 * 1024, `prompt ${count} `);
    line[line.length - 1] = 10;
    tail.push(reader.read(line));
  }
  collect();
  const grewBytes = process.memoryUsage().heapUsed - before;
  assert.ok(tail.lines.length === 1_000 && grewBytes < 16 * 2 ** 20, `${grewBytes}`);
});

test('the tail keeps the last lines', () => {
  const tail = new Tail(3);
  for (let count = 0; count < 20; count++) tail.push([`line ${count}`]);
  assert.deepEqual(tail.lines, ['line 17', 'line 18', 'line 19']);
});
