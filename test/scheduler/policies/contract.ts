import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Choice, Policy } from '../../../src/scheduler/policies/policy.ts';
import {
  ABORTED,
  ANSWERED,
  asking,
  conversation,
  NO_HINTS,
  type TestWorker,
  workersOf,
} from '../../helpers/candidates.ts';
import { seededRandom } from '../../helpers/seeded-random.ts';

/** What every policy promises, whatever its way to choose. */
export function policyContract(name: string, create: () => Policy): void {
  test(`${name}: goes by its name`, () => assert.equal(create().name, name));

  test(`${name}: picks the only candidate`, () => {
    const [only] = workersOf(1);
    assert.equal(create().pick([only!], conversation(1)).candidate, only);
  });

  test(`${name}: picks one of the candidates, however their number changes`, () => {
    const policy = create();
    for (let turn = 0; turn < 200; turn++) {
      const candidates = workersOf(1 + ((turn * 7) % 9));
      assert.ok(candidates.includes(policy.pick(candidates, conversation(turn % 20)).candidate as TestWorker));
    }
  });

  test(`${name}: serves a request that says nothing of itself`, () => {
    const policy = create();
    const candidates = workersOf(3);
    for (const hints of [NO_HINTS, asking(''), asking('', ''), asking('x')]) {
      assert.ok(candidates.includes(policy.pick(candidates, hints).candidate));
    }
  });

  test(`${name}: uses every one of eight workers`, () => {
    assert.equal(workersUsed(create()), 8);
  });

  test(`${name}: says how it came to its choice, and scores only when asked`, () => {
    const policy = create();
    const candidates = workersOf(4);
    for (let turn = 0; turn < 20; turn++) {
      const hints = conversation(turn % 3);
      const choice = policy.pick(candidates, hints, turn % 2 === 1);
      assert.match(choice.reason, /^[a-z_]+$/);
      assert.ok(choice.matchedBytes >= 0 && choice.matchedBytes <= hints.prompt!.length);
      if (turn % 2 === 0) assert.equal(choice.scores, undefined);
      else assert.ok(choice.scores?.some(({ worker }) => worker === choice.candidate.url));
    }
  });

  test(`${name}: stays whole through aborts, reports, and workers that come and go on the same slot`, () => {
    const policy = create();
    live(policy, seededRandom(1), 2_000);
    assert.equal(workersUsed(policy), 8);
  });
}

/** How many of eight workers get at least one of 400 unrelated requests that all stay in flight. */
function workersUsed(policy: Policy): number {
  const candidates = workersOf(8);
  for (let n = 0; n < 400; n++) policy.pick(candidates, conversation(10_000 + n)).candidate.load++;
  return candidates.filter(({ load }) => load > 0).length;
}

/** Leads a policy through `turns` random events and leaves no request in flight. */
function live(policy: Policy, random: () => number, turns: number): void {
  const below = (bound: number) => Math.floor(random() * bound);
  const workers = workersOf(8);
  let inFlight: Choice<TestWorker>[] = [];
  let generation = 0;
  const settle = (choice: Choice<TestWorker>) => {
    const answered = random() < 0.7;
    if (answered) policy.firstByte?.(choice);
    choice.candidate.load--;
    policy.settled?.(choice, answered ? ANSWERED : ABORTED);
  };
  for (let turn = 0; turn < turns; turn++) {
    const worker = workers[below(8)]!;
    const event = random();
    if (event < 0.6) {
      const available = workers.filter(() => random() < 0.8);
      const candidates = available.length > 0 ? available : [worker];
      const choice = policy.pick(candidates, random() < 0.1 ? NO_HINTS : conversation(below(50)), random() < 0.1);
      assert.ok(candidates.includes(choice.candidate));
      choice.candidate.load++;
      inFlight.push(choice);
    } else if (event < 0.85) inFlight.splice(0, 2).forEach(settle);
    else if (event < 0.95) {
      policy.learned?.(worker, random() < 0.2 ? {} : { runningRequests: below(9), waitingRequests: below(3) });
    } else {
      policy.removed?.(worker);
      const gone = inFlight.filter(({ candidate }) => candidate === worker);
      inFlight = inFlight.filter(({ candidate }) => candidate !== worker);
      gone.forEach(settle);
      workers[worker.slot] = { url: `http://w${worker.slot}-${++generation}`, slot: worker.slot, load: 0 };
    }
  }
  inFlight.forEach(settle);
}
