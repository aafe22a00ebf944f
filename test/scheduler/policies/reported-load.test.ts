import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ReportedLoad } from '../../../src/scheduler/policies/reported-load.ts';
import { workersOf } from '../../helpers/candidates.ts';

/** One worker, its reports, and a clock. */
function setup(load = 0) {
  const clock = { ms: 0 };
  const reported = new ReportedLoad(() => clock.ms);
  const [worker] = workersOf(1);
  worker!.load = load;
  const report = (runningRequests: number, waitingRequests = 0) =>
    reported.learned(worker!, { runningRequests, waitingRequests });
  return { clock, reported, worker: worker!, report };
}

test('nothing is known before the first report, nor from one that does not count requests', () => {
  const { reported, worker } = setup();
  assert.equal(reported.beyond(worker), undefined);
  reported.learned(worker, {});
  reported.learned(worker, { kvCapacityTokens: 1_000, usedTokens: 500 });
  assert.equal(reported.beyond(worker), undefined);
});

test('our own requests are not counted twice', () => {
  const { reported, worker, report } = setup(5);
  report(4, 1);
  assert.equal(reported.beyond(worker), 0);
  report(7, 2);
  report(7, 2);
  assert.equal(reported.beyond(worker), 4);
});

test('a burst of ours that ended while the report was on its way is not taken for the work of others', () => {
  const { reported, worker, report } = setup(32);
  report(32);
  worker.load = 0;
  report(32);
  assert.equal(reported.beyond(worker), 0);
  report(0);
  assert.equal(reported.beyond(worker), 0);
});

test('a look between two batches of others is not taken for idleness', () => {
  const { reported, worker, report } = setup(1);
  for (let n = 0; n < 3; n++) report(9);
  report(1);
  assert.equal(reported.beyond(worker), 8);
  report(9);
  assert.equal(reported.beyond(worker), 8);
  report(1);
  report(1);
  assert.equal(reported.beyond(worker), 0);
});

test('a report that is too old is no report', () => {
  const { clock, reported, worker, report } = setup();
  report(3);
  clock.ms = 5_000;
  assert.equal(reported.beyond(worker), 3);
  clock.ms = 5_001;
  assert.equal(reported.beyond(worker), undefined);
});

test('a worker that is gone leaves no report to the next on its slot', () => {
  const { reported, worker, report } = setup();
  report(3);
  reported.removed(worker);
  assert.equal(reported.beyond({ ...worker, url: 'http://next' }), undefined);
});

test('the size of the KV cache may come apart from the load', () => {
  const { reported, worker } = setup();
  reported.learned(worker, { kvCapacityTokens: 1_000 });
  reported.learned(worker, { runningRequests: 0, waitingRequests: 0, usedTokens: 500 });
  assert.equal(reported.beyond(worker), 1);
  reported.removed(worker);
  reported.learned(worker, { runningRequests: 0, waitingRequests: 0, usedTokens: 500 });
  assert.equal(reported.beyond(worker), 0);
});

test('a KV cache counts as it fills, never without bound', () => {
  const { reported, worker } = setup();
  const full = (usedTokens: number) => {
    reported.learned(worker, { runningRequests: 0, waitingRequests: 0, usedTokens, kvCapacityTokens: 1_000 });
    return reported.beyond(worker)!;
  };
  assert.deepEqual([full(0), full(500)], [0, 1]);
  assert.ok(full(900) > 8.9 && full(900) < 9.1);
  assert.ok(full(1_000) < 20 && full(5_000) < 20);
});
