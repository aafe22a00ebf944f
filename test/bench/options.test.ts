import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseBenchOptions } from '../../src/bench/options.ts';
import { WORKLOADS } from '../../src/bench/workloads/index.ts';
import { ExitError } from '../../src/errors/errors.ts';

test('flags of engines are passed on, those of the router come in one word', () => {
  const options = parseBenchOptions([
    ...['--sim-slow-factor', '2', '--max-total-tokens=4096', '--enable-mixed-chunk'],
    ...['--router-args', '--cache-threshold 0.3 --eviction-interval 5', '--policy', 'round_robin,cache_aware'],
  ]);
  assert.deepEqual(options.engineFlags, [
    ...['--sim-slow-factor', '2', '--max-total-tokens', '4096', '--enable-mixed-chunk'],
  ]);
  assert.deepEqual(options.routerArgs, ['--cache-threshold', '0.3', '--eviction-interval', '5']);
  assert.deepEqual(options.policies, ['round_robin', 'cache_aware']);
});

test('peers: none, all or some', () => {
  assert.equal(parseBenchOptions([]).peers, 'none');
  assert.equal(parseBenchOptions(['--peers', '--seed', '3']).peers, 'all');
  assert.deepEqual(parseBenchOptions(['--peers', 'smg,nginx']).peers, ['smg', 'nginx']);
});

test('routers: one, or each of several numbers of them', () => {
  assert.deepEqual(parseBenchOptions([]).routers, [1]);
  assert.deepEqual(parseBenchOptions(['--routers', '1,2,4']).routers, [1, 2, 4]);
});

test('--workload all is every one of them', () => {
  assert.equal(parseBenchOptions(['--workload', 'all']).workloads.length, WORKLOADS.length);
  assert.equal(parseBenchOptions(['--request-rate', 'inf']).requestRate, Number.POSITIVE_INFINITY);
});

test('what is wrong is said', () => {
  const wrong: readonly (readonly [readonly string[], RegExp])[] = [
    [['--polcy', 'x'], /unknown flag --polcy/],
    [['--engines', '0'], /--engines: expected a whole number of at least 1, got '0'/],
    [['--workload', 'gps'], /--workload: expected all or some of gsp, /],
    [['--seed'], /--seed: expected a value, got nothing/],
    [['--request-rate', '0'], /--request-rate: expected a number above 0, or inf/],
    [['--routers', '1,0'], /--routers: expected whole numbers of at least 1, got '1,0'/],
    [['--url', 'http://localhost:3', '--routers', '2'], /--url measures one running server/],
    [['--url', 'localhost:3'], /--url: expected an address that starts with http/],
    [['--url', 'http://localhost:3', '--peers'], /--url measures one running server/],
  ];
  for (const [argv, message] of wrong) {
    assert.throws(
      () => parseBenchOptions(argv),
      (error) => error instanceof ExitError && error.exitCode === 2 && message.test(error.message),
      argv.join(' '),
    );
  }
});
