import assert from 'node:assert/strict';
import { test } from 'node:test';
import { BodyBudget, type HeldBody } from '../../../src/http/edge/body-budget.ts';
import { seededRandom } from '../../helpers/seeded-random.ts';

function body(name: string, woken: string[] = []): HeldBody {
  return { goOn: () => void woken.push(name) };
}

test('beyond the bound bodies wait until there is room', () => {
  const woken: string[] = [];
  const budget = new BodyBudget(10);
  const [a, b, c] = [body('a', woken), body('b', woken), body('c', woken)];
  assert.deepEqual([budget.take(a, 6), budget.take(b, 4), budget.take(c, 1)], [true, true, false]);
  assert.deepEqual([budget.take(a, 5), budget.take(b, 1)], [true, false]);
  budget.complete(a);
  assert.deepEqual(woken, [], 'a whole body that leaves no room is waited for');
  budget.give(a, 11);
  assert.deepEqual([woken, budget.bytes], [['b', 'c'], 6]);
});

test('half-read bodies do not block each other: the oldest that is left goes on while the whole ones leave room', () => {
  const woken: string[] = [];
  const budget = new BodyBudget(10);
  const [a, b, c] = [body('a', woken), body('b', woken), body('c', woken)];
  assert.deepEqual([budget.take(a, 4), budget.take(b, 6), budget.take(c, 2)], [true, true, false]);
  assert.deepEqual([budget.take(b, 1), woken], [false, []]);
  budget.complete(a);
  assert.deepEqual(woken, ['b']);
  assert.equal(budget.take(b, 1), true);
  budget.complete(b);
  assert.deepEqual(woken, ['b'], 'the whole ones are beyond the bound');
  budget.give(a, 4);
  assert.deepEqual(woken, ['b', 'c']);
});

test('what has come whole counts, and never waits', () => {
  const woken: string[] = [];
  const budget = new BodyBudget(10);
  const [a, b] = [body('a', woken), body('b', woken)];
  budget.hold(8);
  assert.deepEqual([budget.take(a, 3), budget.take(b, 1), budget.bytes], [true, false, 12]);
  budget.give(body('whole', woken), 8);
  assert.deepEqual([woken, budget.bytes], [['b'], 4]);
});

test('any number of bodies that end as soon as they go on are taken in turn', () => {
  const budget = new BodyBudget(10);
  budget.hold(11);
  let ended = 0;
  for (let number = 0; number < 100_000; number++) {
    const one: HeldBody = {
      goOn: () => {
        ended++;
        budget.give(one, 1);
      },
    };
    budget.take(one, 1);
  }
  budget.give(body('whole'), 11);
  assert.deepEqual([ended, budget.bytes], [100_000, 0]);
});

test('whatever comes and goes, somebody goes on while whole bodies leave room, and nothing is left over', () => {
  for (let seed = 1; seed <= 200; seed++) {
    const random = seededRandom(seed);
    const budget = new BodyBudget(1_000);
    const waits = new Map<HeldBody, boolean>();
    const held = new Map<HeldBody, number>();
    const done = new Map<HeldBody, number>();
    for (let step = 0; step < 300; step++) {
      const going = [...held.keys()].filter((one) => !waits.get(one));
      const what = random();
      if (what < 0.3) {
        const one: HeldBody = { goOn: () => void waits.set(one, false) };
        held.set(one, 0);
        waits.set(one, false);
      } else if (what < 0.7 && going.length > 0) {
        const one = going[Math.floor(random() * going.length)] as HeldBody;
        const bytes = 1 + Math.floor(random() * 300);
        held.set(one, (held.get(one) ?? 0) + bytes);
        waits.set(one, !budget.take(one, bytes));
      } else if (what < 0.85 && going.length > 0) {
        const one = going[Math.floor(random() * going.length)] as HeldBody;
        budget.complete(one);
        done.set(one, held.get(one) ?? 0);
        held.delete(one);
      } else {
        const from = random() < 0.5 && done.size > 0 ? done : held;
        const [one, bytes] = [...from][0] ?? [];
        if (one) {
          from.delete(one);
          budget.give(one, bytes as number);
        }
      }
      const sum = [...held.values(), ...done.values()].reduce((a, b) => a + b, 0);
      assert.equal(budget.bytes, sum, `seed ${seed}`);
      const wholeBytes = [...done.values()].reduce((a, b) => a + b, 0);
      const goesOn = held.size === 0 || [...held.keys()].some((one) => !waits.get(one));
      assert.ok(goesOn || wholeBytes > 1_000, `seed ${seed}: all wait`);
    }
    for (const [one, bytes] of [...held, ...done]) budget.give(one, bytes);
    assert.equal(budget.bytes, 0);
  }
});
