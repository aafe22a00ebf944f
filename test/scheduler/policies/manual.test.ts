import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type AssignmentMode, ManualPolicy } from '../../../src/scheduler/policies/manual.ts';
import { asking, NO_HINTS, workersOf } from '../../helpers/candidates.ts';
import { seededRandom } from '../../helpers/seeded-random.ts';
import { policyContract } from './contract.ts';

const HOUR_MS = 3_600_000;
const manual = (assignmentMode: AssignmentMode = 'random', now = () => 0) =>
  new ManualPolicy({ assignmentMode, maxIdleMs: HOUR_MS }, seededRandom(1), now);

for (const mode of ['random', 'min_load', 'min_group'] as const) {
  policyContract('manual', () => manual(mode));

  test(`manual, ${mode}: every key stays with its worker, however busy that is`, () => {
    const policy = manual(mode);
    const candidates = workersOf(8);
    const homes = Array.from({ length: 100 }, (_, n) => policy.pick(candidates, asking('', `s${n}`)).candidate);
    for (const candidate of homes) candidate.load += 10;
    for (const [n, home] of homes.entries()) {
      const choice = policy.pick(candidates, asking('', `s${n}`));
      assert.deepEqual([choice.candidate, choice.reason], [home, 'remembered']);
    }
  });

  test(`manual, ${mode}: without a key nothing is remembered, and every worker is used`, () => {
    const policy = manual(mode);
    const candidates = workersOf(4);
    for (let n = 0; n < 80; n++) policy.pick(candidates, NO_HINTS).candidate.load++;
    assert.ok(candidates.every(({ load }) => load > 0));
  });
}

test('manual: a key moves when its worker is gone, and back when that is there again', () => {
  const policy = manual();
  const candidates = workersOf(4);
  const home = policy.pick(candidates, asking('', 'a')).candidate;
  const others = candidates.filter((candidate) => candidate !== home);
  const refuge = policy.pick(others, asking('', 'a')).candidate;
  assert.equal(policy.pick(others, asking('', 'a')).candidate, refuge);
  assert.equal(policy.pick(candidates, asking('', 'a')).candidate, home);
});

test('manual: a key idle for too long is assigned anew', () => {
  const clock = { ms: 0 };
  const policy = manual('min_load', () => clock.ms);
  const candidates = workersOf(2);
  candidates[1]!.load = 1;
  assert.equal(policy.pick(candidates, asking('', 'a')).candidate.slot, 0);
  candidates[0]!.load = 2;
  clock.ms = HOUR_MS;
  assert.equal(policy.pick(candidates, asking('', 'a')).candidate.slot, 0);
  clock.ms = 2 * HOUR_MS + 1;
  assert.equal(policy.pick(candidates, asking('', 'a')).candidate.slot, 1);
});

test('manual: the regular clean-up forgets keys that nobody asks for', () => {
  const clock = { ms: 0 };
  const policy = manual('min_group', () => clock.ms);
  const candidates = workersOf(2);
  for (let n = 0; n < 10; n++) policy.pick(candidates, asking('', `s${n}`));
  const keys = () => policy.pick(candidates, NO_HINTS, true).scores!.map((row) => row.keys);
  assert.deepEqual(keys(), [5, 5]);
  clock.ms = HOUR_MS + 1;
  policy.evict();
  assert.deepEqual(keys(), [0, 0]);
});

test('manual, min_load: a new key goes where the fewest requests are in flight', () => {
  const policy = manual('min_load');
  const candidates = workersOf(3);
  for (const [slot, load] of [2, 0, 1].entries()) candidates[slot]!.load = load;
  for (let n = 0; n < 5; n++) assert.equal(policy.pick(candidates, asking('', `s${n}`)).candidate.slot, 1);
});

test('manual, min_group: every worker gets the same number of keys, however many requests each has', () => {
  const policy = manual('min_group');
  const candidates = workersOf(4);
  candidates[2]!.load = 50;
  const keys = [0, 0, 0, 0];
  for (let n = 0; n < 40; n++) {
    const { candidate } = policy.pick(candidates, asking('', `s${n}`));
    keys[candidate.slot]!++;
    for (let turn = 0; turn < 3; turn++) policy.pick(candidates, asking('', `s${n % 5}`));
  }
  assert.deepEqual(keys, [10, 10, 10, 10]);
});
