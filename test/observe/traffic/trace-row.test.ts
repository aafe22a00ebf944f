import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseTraceRow } from '../../../src/observe/traffic/trace-row.ts';

const ROW = { timestamp: 1, input_length: 2, output_length: 3, hash_ids: [4] };

test('a line of a trace is a row, also with fields that are not known', () => {
  assert.deepEqual(parseTraceRow(JSON.stringify(ROW)), ROW);
  assert.deepEqual(parseTraceRow(JSON.stringify({ ...ROW, ttft: 1.5, mine: 'x' })), { ...ROW, ttft: 1.5, mine: 'x' });
});

test('what is none is undefined', () => {
  const wrong = [
    { timestamp: '1' },
    { timestamp: -1 },
    { input_length: 1.5 },
    { input_length: 1e9 },
    { output_length: null },
    { hash_ids: 'x' },
    { hash_ids: ['x'] },
    { parent: 'x' },
  ];
  for (const fields of wrong)
    assert.equal(parseTraceRow(JSON.stringify({ ...ROW, ...fields })), undefined, JSON.stringify(fields));
  for (const line of ['', '{', 'null', '[]', '7', '{"timestamp":1']) assert.equal(parseTraceRow(line), undefined, line);
});
