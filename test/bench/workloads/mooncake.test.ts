import assert from 'node:assert/strict';
import { test } from 'node:test';
import { generateTrace } from '../../../src/bench/workloads/mooncake.ts';
import { BLOCK_TOKENS } from '../../../src/observe/traffic/trace-row.ts';

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
