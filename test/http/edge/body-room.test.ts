import assert from 'node:assert/strict';
import { test } from 'node:test';
import { BodyRoom, type Held } from '../../../src/http/edge/body-room.ts';
import { seededRandom } from '../../helpers/seeded-random.ts';

function body(name: string, woken: string[] = []): Held {
  return { goOn: () => void woken.push(name) };
}

test('beyond the bound all bodies but the oldest wait until there is room', () => {
  const woken: string[] = [];
  const room = new BodyRoom(10);
  const [a, b, c] = [body('a', woken), body('b', woken), body('c', woken)];
  assert.deepEqual([room.take(a, 6), room.take(b, 4), room.take(c, 1)], [true, true, false]);
  assert.deepEqual([room.take(a, 5), room.take(b, 1)], [true, false]);
  room.complete(a);
  assert.deepEqual(woken, ['b'], 'the oldest that is left goes on, though there is no room');
  room.give(a, 11);
  assert.deepEqual([woken, room.bytes], [['b', 'c'], 6]);
});

test('what has come whole counts, and never waits', () => {
  const woken: string[] = [];
  const room = new BodyRoom(10);
  const [a, b] = [body('a', woken), body('b', woken)];
  room.hold(8);
  assert.deepEqual([room.take(a, 3), room.take(b, 1), room.bytes], [true, false, 12]);
  room.give(body('whole', woken), 8);
  assert.deepEqual([woken, room.bytes], [['b'], 4]);
});

test('whatever comes and goes, somebody goes on, and nothing is left over', () => {
  for (let seed = 1; seed <= 200; seed++) {
    const random = seededRandom(seed);
    const room = new BodyRoom(1_000);
    const waits = new Map<Held, boolean>();
    const held = new Map<Held, number>();
    const done = new Map<Held, number>();
    for (let step = 0; step < 300; step++) {
      const going = [...held.keys()].filter((one) => !waits.get(one));
      const what = random();
      if (what < 0.3) {
        const one: Held = { goOn: () => void waits.set(one, false) };
        held.set(one, 0);
        waits.set(one, false);
      } else if (what < 0.7 && going.length > 0) {
        const one = going[Math.floor(random() * going.length)] as Held;
        const bytes = 1 + Math.floor(random() * 300);
        held.set(one, (held.get(one) ?? 0) + bytes);
        waits.set(one, !room.take(one, bytes));
      } else if (what < 0.85 && going.length > 0) {
        const one = going[Math.floor(random() * going.length)] as Held;
        room.complete(one);
        done.set(one, held.get(one) ?? 0);
        held.delete(one);
      } else {
        const from = random() < 0.5 && done.size > 0 ? done : held;
        const [one, bytes] = [...from][0] ?? [];
        if (one) {
          from.delete(one);
          room.give(one, bytes as number);
        }
      }
      const sum = [...held.values(), ...done.values()].reduce((a, b) => a + b, 0);
      assert.equal(room.bytes, sum, `seed ${seed}`);
      assert.ok(held.size === 0 || [...held.keys()].some((one) => !waits.get(one)), `seed ${seed}: all wait`);
    }
    for (const [one, bytes] of [...held, ...done]) room.give(one, bytes);
    assert.equal(room.bytes, 0);
  }
});
