import assert from 'node:assert/strict';
import { test } from 'node:test';
import { anyOf, leastOf } from '../../../src/scheduler/policies/pick.ts';
import { workersOf } from '../../helpers/candidates.ts';
import { seededRandom } from '../../helpers/seeded-random.ts';

function shares(draw: () => { slot: number }, draws = 4_000): number[] {
  const counts = [0, 0, 0, 0];
  for (let n = 0; n < draws; n++) counts[draw().slot]!++;
  return counts;
}

test('any is each with the same chance', () => {
  const workers = workersOf(4);
  const random = seededRandom(1);
  for (const share of shares(() => anyOf(workers, random))) assert.ok(Math.abs(share - 1_000) < 150, `${share}`);
});

test('the least is one of those with the lowest load, each with the same chance', () => {
  const workers = workersOf(4);
  for (const [slot, load] of [2, 1, 1, 1].entries()) workers[slot]!.load = load;
  const random = seededRandom(2);
  const [first, ...lowest] = shares(() => leastOf(workers, random));
  assert.equal(first, 0);
  for (const share of lowest) assert.ok(Math.abs(share - 1_333) < 170, `${share}`);
});

test('the least by another measure', () => {
  const workers = workersOf(4);
  assert.equal(
    leastOf(workers, seededRandom(3), ({ slot }) => -slot),
    workers[3],
  );
});
