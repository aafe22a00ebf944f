import assert from 'node:assert/strict';
import { test } from 'node:test';
import { LOAD_SOURCES } from '../../src/fleet/load-report.ts';

const reader = (path: string) => LOAD_SOURCES.find(([source]) => source === path)![1];
const readLoads = reader('/v1/loads');
const readOld = reader('/get_load');

const rank = (running: number, waiting: number, used: number, index = 0) => ({
  dp_rank: index,
  num_running_reqs: running,
  num_waiting_reqs: waiting,
  num_used_tokens: used,
  max_total_num_tokens: 20_000,
  token_usage: used / 20_000,
});

test('the newer source is asked first', () => {
  assert.deepEqual(
    LOAD_SOURCES.map(([path]) => path),
    ['/v1/loads', '/get_load'],
  );
});

test('/v1/loads: the ranks are summed, there is no aggregate; each is told apart by its number', () => {
  const answer = { version: '0.5.23', loads: [rank(6, 1, 2_896, 1), rank(2, 0, 104, 0)] };
  const load = readLoads(answer);
  assert.deepEqual(load?.total, {
    runningRequests: 8,
    waitingRequests: 1,
    usedTokens: 3_000,
    kvCapacityTokens: 40_000,
  });
  assert.deepEqual(
    [0, 1].map((index) => load?.ranks.get(index)?.runningRequests),
    [2, 6],
  );
});

test('/v1/loads: requests suffice; token counts that one rank lacks are not made up from the others', () => {
  const { max_total_num_tokens: _, ...bare } = rank(1, 0, 50);
  const report = readLoads({ loads: [bare, rank(2, 0, 50, 1)] });
  assert.deepEqual(report?.total, { runningRequests: 3, waitingRequests: 0, usedTokens: 100 });
});

test('/get_load: waiting requests are among all requests, and the capacity is not told', () => {
  const answer = [
    { dp_rank: 0, num_reqs: 7, num_waiting_reqs: 3, num_tokens: 900 },
    { dp_rank: 1, num_reqs: 1, num_waiting_reqs: 0, num_tokens: 100 },
  ];
  assert.deepEqual(readOld(answer)?.total, { runningRequests: 5, waitingRequests: 3, usedTokens: 1_000 });
});

const NOT_LOADS: readonly unknown[] = [undefined, null, 0, 'busy', true, [], {}, [null], [[]], { loads: null }];
const BROKEN_RANKS: readonly unknown[] = [
  {},
  { num_running_reqs: '6', num_waiting_reqs: 0 },
  { num_running_reqs: 6 },
  { num_running_reqs: -1, num_waiting_reqs: 0 },
  { num_reqs: null, num_waiting_reqs: 0 },
  { num_reqs: Number.POSITIVE_INFINITY, num_waiting_reqs: 0 },
];

test('anything else is no report', () => {
  for (const answer of NOT_LOADS) {
    assert.equal(readLoads(answer), undefined);
    assert.equal(readOld(answer), undefined);
  }
  for (const broken of BROKEN_RANKS) {
    assert.equal(readLoads({ loads: [rank(0, 0, 0), broken] }), undefined);
    assert.equal(readOld([broken]), undefined);
  }
});
