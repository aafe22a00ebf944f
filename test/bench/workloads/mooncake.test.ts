import assert from 'node:assert/strict';
import { mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { parseBenchOptions } from '../../../src/bench/options.ts';
import { BLOCK_TOKENS, generateTrace, MOONCAKE } from '../../../src/bench/workloads/mooncake.ts';
import { ExitError } from '../../../src/errors/errors.ts';

function traceFile(...lines: string[]): string {
  const path = join(mkdtempSync(join(tmpdir(), 'trace-')), 'trace.jsonl');
  writeFileSync(path, `${lines.join('\n')}\n`);
  return path;
}

test('a generated trace is one in Mooncake format: by time, an id for every 512 tokens, an id always behind the same ones', () => {
  const rows = generateTrace(1, 300, 4);
  assert.equal(rows.length, 300);
  const before = new Map<number, string>();
  let time = 0;
  for (const { timestamp, input_length: tokens, hash_ids: ids } of rows) {
    assert.ok(timestamp >= time);
    time = timestamp;
    assert.equal(ids.length, Math.ceil(tokens / BLOCK_TOKENS));
    ids.forEach((id, i) => {
      const beginning = ids.slice(0, i).join();
      assert.equal(before.get(id) ?? beginning, beginning);
      before.set(id, beginning);
    });
  }
});

test('a trace of a file is sent as it stands there', () => {
  const path = traceFile(
    '{"timestamp":0,"input_length":600,"output_length":3,"hash_ids":[7,8]}',
    '{"timestamp":250,"input_length":1024,"output_length":4,"hash_ids":[7,9]}',
  );
  const { sessions } = MOONCAKE.build(parseBenchOptions(['--trace-file', path]));
  const texts = sessions.map(({ system, turns }) =>
    [...system, ...(turns[0]?.added ?? [])].map(({ text }) => text).join(''),
  );
  assert.deepEqual(
    texts.map((text) => text.length / 4),
    [600, 1024],
  );
  assert.equal(texts[0]?.slice(0, 2048), texts[1]?.slice(0, 2048));
  assert.deepEqual(
    sessions.map(({ startMs }) => startMs),
    [0, 250],
  );
});

test('a line that is none of a trace is a usage error that names it', () => {
  const path = traceFile('{"timestamp":0,"input_length":600,"output_length":3,"hash_ids":[7,8]}', '{"timestamp":1}');
  assert.throws(
    () => MOONCAKE.build(parseBenchOptions(['--trace-file', path])),
    (error) => error instanceof ExitError && error.code === 'usage' && /line 2/.test(error.message),
  );
});
