import assert from 'node:assert/strict';
import { mock, test } from 'node:test';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { boundNursery, nurseryBytes } from '../../src/os/nursery.ts';

const BOUND = 20e6;

/** Allocates objects that outlive several collections, as requests in flight do. */
async function allocate(rounds: number): Promise<void> {
  const kept: object[][] = [];
  for (let round = 0; round < rounds; round++) {
    kept[round % 20] = Array.from({ length: 10_000 }, (_, i) => ({ round, inner: [i] }));
    await nextTurn();
  }
}

test('the space for new objects stays within its bound, however much is allocated', async () => {
  mock.timers.enable({ apis: ['setInterval'] });
  boundNursery(BOUND);
  while (nurseryBytes() * 2 <= BOUND) {
    await allocate(5);
    mock.timers.tick(1_000);
  }
  const bounded = nurseryBytes();
  await allocate(400);
  assert.equal(nurseryBytes(), bounded);
});
