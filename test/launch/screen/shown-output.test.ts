import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type Shown, ShownOutput } from '../../../src/launch/screen/shown-output.ts';
import type { Server } from '../../../src/launch/server.ts';

const [first, second] = [{}, {}] as [Server, Server];

function shown(output: ShownOutput, server: Server, ...lines: string[]): string[] {
  return output.take(server, lines).map(({ text }) => text);
}

const outputOf = (which: Shown, reader = {}) => new ShownOutput(reader, which);

test('all: every line but progress bars', () => {
  const output = outputOf('all');
  const bars = ['Loading shards:  50% Completed | 1/2 [00:00]', 'Capturing batches (bs=1): 100%|##| 2/2 [00:00<00:00]'];
  assert.deepEqual(shown(output, first, 'one', ...bars, 'two'), ['one', 'two']);
});

test('important: warnings and errors; what several servers or ranks say alike once', () => {
  const output = outputOf('important');
  const lines = ['[08:15:43 TP0] Load weight begin.', '[08:15:44 TP0] WARNING: GPU 0 is hot', 'ValueError: no'];
  assert.deepEqual(shown(output, first, ...lines), lines.slice(1));
  assert.deepEqual(shown(output, second, '[08:15:45 TP1] WARNING: GPU 3 is hot', 'TypeError: no'), ['TypeError: no']);
});

test('important: a flood of errors is shown in part, with a line that says so', () => {
  const output = outputOf('important');
  const lines = Array.from({ length: 26 }, (_, at) => `ERROR ${String.fromCharCode(97 + at)}`);
  assert.equal(shown(output, first, ...lines).length, 5);
  assert.deepEqual(shown(output, second, 'ERROR of the other'), ['ERROR of the other']);
});

test('quiet: nothing', () => {
  assert.deepEqual(shown(outputOf('quiet'), first, 'one', 'ERROR two'), []);
});

test('a server that floods its output is shown in part; the others are not held back', () => {
  const output = outputOf('all');
  const line = 'x'.repeat(1_000);
  let characters = 0;
  for (let count = 0; count < 1_000; count++) characters += shown(output, first, line).join('').length;
  assert.ok(characters < 300 * 1024, `${characters}`);
  assert.deepEqual(shown(output, second, 'other'), ['other']);
});

test('output that nobody reads is left out, and said when somebody does', () => {
  const reader = { writableLength: 9 * 2 ** 20 };
  const output = outputOf('all', reader);
  assert.deepEqual(shown(output, first, 'one', 'two'), []);
  reader.writableLength = 0;
  assert.deepEqual(shown(output, first, 'three'), ['[2 lines left out here; its log has them]', 'three']);
});
