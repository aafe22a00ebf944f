import assert from 'node:assert/strict';
import { test } from 'node:test';
import { RetryBudget } from '../../src/scheduler/retry-budget.ts';
import { seededRandom } from '../helpers/seeded-random.ts';

/** Takes until there is nothing more. */
function drain(budget: RetryBudget, inFlight = 0): number {
  let taken = 0;
  while (budget.take(inFlight)) taken++;
  return taken;
}

test('a reserve is there from the start, each request adds a tenth, and no more than 200 are saved', () => {
  const budget = new RetryBudget();
  assert.equal(drain(budget), 32);
  for (let i = 0; i < 100; i++) budget.add();
  assert.equal(drain(budget), 10);
  for (let i = 0; i < 100_000; i++) budget.add();
  assert.equal(drain(budget), 200);
});

test('everything that is in flight may try again once', () => {
  assert.equal(drain(new RetryBudget(), 1_000), 1_000);
});

test('retries that end well cost nothing', () => {
  const budget = new RetryBudget();
  for (let i = 0; i < 10_000; i++) {
    assert.ok(budget.take(0));
    budget.giveBack(1);
  }
  assert.equal(drain(budget), 32);
});

test('whatever happens, retries in vain stay below a tenth of the requests and the reserve', () => {
  for (let seed = 1; seed <= 200; seed++) {
    const random = seededRandom(seed);
    const budget = new RetryBudget();
    const failing = random();
    let requests = 0;
    let inVain = 0;
    let running = 0;
    for (let step = 0; step < 3_000; step++) {
      const what = random();
      if (what < 0.5) {
        budget.add();
        requests++;
      } else if (what < 0.75 && budget.take(0)) {
        running++;
      } else if (running > 0) {
        running--;
        if (random() < failing) inVain++;
        else budget.giveBack(1);
      }
      assert.ok(inVain + running <= 32 + requests / 10 + 1e-6, `seed ${seed}, step ${step}`);
    }
  }
});
