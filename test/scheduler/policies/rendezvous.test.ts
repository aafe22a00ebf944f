import assert from 'node:assert/strict';
import { test } from 'node:test';
import { hashText } from '../../../src/scheduler/index/hash.ts';
import { Rendezvous } from '../../../src/scheduler/policies/rendezvous.ts';
import { workersOf } from '../../helpers/candidates.ts';

const KEYS = Array.from({ length: 10_000 }, (_, n) => hashText(`key ${n}`));

for (const count of [2, 3, 8, 64]) {
  test(`${count} workers get about the same share`, () => {
    const rendezvous = new Rendezvous();
    const shares = new Array<number>(count).fill(0);
    for (const key of KEYS) shares[rendezvous.owner(workersOf(count), key)!.slot]!++;
    const mean = KEYS.length / count;
    // Five standard deviations of a fair draw.
    for (const share of shares) assert.ok(Math.abs(share - mean) < 5 * Math.sqrt(mean), `${share}, mean ${mean}`);
  });

  test(`when one of ${count} leaves only its own keys move, to all others; when it is back so are they`, () => {
    const rendezvous = new Rendezvous();
    const all = workersOf(count);
    const before = KEYS.map((key) => rendezvous.owner(all, key)!);
    const gone = all[1]!;
    const left = all.filter((worker) => worker !== gone);
    const heirs = new Set<string>();
    for (const [n, key] of KEYS.entries()) {
      const after = rendezvous.owner(left, key)!;
      if (before[n] === gone) heirs.add(after.url);
      else assert.equal(after, before[n]);
    }
    // 156 keys for 63 heirs leave a few without one.
    assert.ok(heirs.size > 0.75 * (count - 1), `${heirs.size} heirs`);
    assert.deepEqual(
      KEYS.map((key) => rendezvous.owner(all, key)),
      before,
    );
  });
}

test('neither order nor slots matter, so that routers agree', () => {
  const workers = workersOf(5);
  const elsewhere = workers.map(({ url }, i) => ({ url, slot: 100 - i, load: 9 })).reverse();
  for (const key of KEYS.slice(0, 500)) {
    assert.equal(new Rendezvous().owner(workers, key)!.url, new Rendezvous().owner(elsewhere, key)!.url);
  }
});

test('a worker on the slot of another draws for itself', () => {
  const rendezvous = new Rendezvous();
  const [first] = workersOf(1);
  const next = { ...first!, url: 'http://next' };
  assert.notEqual(rendezvous.draw(first!, 7), rendezvous.draw(next, 7));
  assert.equal(rendezvous.draw(next, 7), new Rendezvous().draw({ ...next, slot: 3 }, 7));
});

test('who may not have it is passed over for the next; when none may there is no owner', () => {
  const rendezvous = new Rendezvous();
  const workers = workersOf(6);
  for (const key of KEYS.slice(0, 200)) {
    const owner = rendezvous.owner(workers, key)!;
    const others = workers.filter((worker) => worker !== owner);
    assert.equal(
      rendezvous.owner(workers, key, (worker) => worker !== owner),
      rendezvous.owner(others, key),
    );
  }
  assert.equal(
    rendezvous.owner(workers, 1, () => false),
    undefined,
  );
});
