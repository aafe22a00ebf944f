import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Rooms } from '../../../src/data/prefill-decode/rooms.ts';

test('rooms are positive, have 63 bits at most and never repeat', () => {
  const rooms = new Rooms();
  const seen = new Set<string>();
  for (let i = 0; i < 20_000; i++) for (const room of rooms.draw(1 + (i % 3))) seen.add(room);
  assert.equal(
    seen.size,
    Array.from({ length: 20_000 }, (_, i) => 1 + (i % 3)).reduce((a, b) => a + b),
  );
  for (const room of seen) assert.ok(BigInt(room) > 0n && BigInt(room) < 2n ** 63n, room);
});

test('the rooms of a batch follow each other', () => {
  const [first, second, third] = new Rooms().draw(3).map(BigInt) as [bigint, bigint, bigint];
  assert.deepEqual([second - first, third - second], [1n, 1n]);
});
