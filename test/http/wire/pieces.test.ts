import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { test } from 'node:test';
import { Pieces } from '../../../src/http/wire/pieces.ts';

/** Ends inside a block, at the end of one, and after more than are moved in one turn. */
for (const bytes of [0, 1, 4_096, 12_288, 300_000, 20_000_000]) {
  for (const piece of [1_000, 65_536, 1_000_000]) {
    test(`${bytes} bytes in pieces of ${piece} are what came`, async () => {
      const sent = randomBytes(bytes);
      const [one, other] = [new Pieces(), new Pieces()];
      for (let at = 0; at < bytes; at += piece) {
        const came = Buffer.from(sent.subarray(at, at + piece));
        for (const pieces of [one, other]) pieces.add(came);
        came.fill(0);
      }
      assert.ok(sent.equals(await one.whole()));
      const larger = Buffer.alloc(bytes + 10);
      other.moveTo(larger);
      assert.ok(sent.equals(larger.subarray(0, bytes)));
    });
  }
}

test('the event loop turns while much is moved', async () => {
  const pieces = new Pieces();
  for (let at = 0; at < 40; at++) pieces.add(Buffer.alloc(1 << 20, at));
  const moved = pieces.whole();
  let turns = 0;
  const count = () => {
    turns++;
    turning = setImmediate(count);
  };
  let turning = setImmediate(count);
  await moved;
  clearImmediate(turning);
  assert.ok(turns > 2, `${turns} turns`);
});
