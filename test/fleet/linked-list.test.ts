import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type LinkedItem, LinkedList } from '../../src/fleet/linked-list.ts';
import { seededRandom } from '../helpers/seeded-random.ts';

class One implements LinkedItem<One> {
  before: One | undefined;
  after: One | undefined;
}

test('does what a Set does', () => {
  for (let seed = 1; seed <= 50; seed++) {
    const random = seededRandom(seed);
    const ones = Array.from({ length: 12 }, () => new One());
    const line = new LinkedList<One>();
    const set = new Set<One>();
    for (let step = 0; step < 300; step++) {
      const one = ones[Math.floor(random() * ones.length)] as One;
      if (random() < 0.5 && !set.has(one)) {
        line.add(one);
        set.add(one);
      } else assert.equal(line.remove(one), set.delete(one));
      assert.deepEqual([line.length, line.has(one), line.first], [set.size, set.has(one), [...set][0]]);
      assert.ok([...line].every((each, i) => each === [...set][i]));
    }
  }
});

test('whoever is given may leave, and who has left keeps nobody', () => {
  const line = new LinkedList<One>();
  const ones = [new One(), new One(), new One()];
  for (const one of ones) line.add(one);
  const seen: One[] = [];
  for (const one of line) {
    seen.push(one);
    line.remove(one);
  }
  assert.deepEqual(seen, ones);
  assert.deepEqual([line.length, line.first], [0, undefined]);
  for (const { before, after } of ones) assert.deepEqual([before, after], [undefined, undefined]);
});
