import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type BenchOptions, parseBenchOptions, workloadOptions } from '../../../src/bench/options.ts';
import { measureModel } from '../../../src/bench/what-if/measure-model.ts';
import { WORKLOADS } from '../../../src/bench/workloads/index.ts';
import { resolveRouter } from '../../../src/config/resolve.ts';

const policyOptions = (await resolveRouter([], {})).config;

async function model(
  policy: string,
  workers: number,
  flags: readonly string[],
  stopped = new AbortController().signal,
) {
  const options: BenchOptions = parseBenchOptions(flags);
  const load = WORKLOADS.find(({ name }) => name === options.workloads[0])?.build(workloadOptions(options));
  assert.ok(load);
  const told = { asked: 0, answered: 0 };
  const measured = await measureModel(
    { workers, policy, policyOptions, engineFlags: options.engineFlags },
    {
      ...{ load, stopped, timeoutMs: 1_000, warmUpRequests: 4, objective: { ttftMs: 2_000, itlMs: 100 } },
      watcher: {
        asked: () => {
          told.asked++;
        },
        answered: () => {
          told.answered++;
        },
      },
    },
  );
  return { ...measured.summary, points: measured.points, told };
}

test('one engine computes what its speed says, and a request is 2 ms on its way to it at most', async () => {
  const flags = ['--workload', 'cold', '--scale', '0.01', '--max-concurrency', '1', '--gsp-question-len', '1000'];
  const { ttftMs, itlMs, makespanSecs, requests, hitShare, told } = await model('round_robin', 1, [
    ...[...flags, '--gsp-output-len', '11', '--sim-prefill-tokens-per-sec', '1000', '--sim-prefill-base-ms', '50'],
    ...['--sim-decode-base-ms', '9', '--sim-decode-per-running-ms', '1'],
  ]);
  assert.ok(ttftMs.p50 > 1_050 && ttftMs.p99 < 1_052, `${ttftMs.p50} ${ttftMs.p99}`);
  assert.equal(itlMs.p50, 10);
  assert.deepEqual([requests, hitShare, told], [4, 0, { asked: 4, answered: 4 }]);
  assert.ok(makespanSecs > 4 * 1.15 && makespanSecs < 4 * 1.152, `${makespanSecs}`);
});

test('the same question has the same answer, also with a policy that draws', async () => {
  const once = () => model('power_of_two', 3, ['--workload', 'agents', '--scale', '0.1']);
  assert.deepEqual(await once(), await once());
});

test('every policy of the router can be asked for; what knows of prefixes hits more', async () => {
  const flags = ['--workload', 'gsp', '--scale', '0.5', '--gsp-num-groups', '24', '--max-concurrency', '16'];
  const hits = new Map<string, number>();
  for (const policy of [
    'random',
    'round_robin',
    'cache_aware',
    'power_of_two',
    'manual',
    'consistent_hashing',
    'prefix_hash',
    'least_load',
  ]) {
    const { requests, errors, hitShare = 0, workerShares } = await model(policy, 4, flags);
    assert.deepEqual([requests, errors, workerShares.length], [192, 0, 4], policy);
    hits.set(policy, hitShare);
  }
  assert.ok((hits.get('cache_aware') ?? 0) > (hits.get('round_robin') ?? 1) + 0.2, JSON.stringify([...hits]));
});

test('a conversation finds its prompt and its answer in the cache', async () => {
  const { hitShare = 0, errors } = await model('round_robin', 1, ['--workload', 'agents', '--scale', '0.05']);
  assert.equal(errors, 0);
  assert.ok(hitShare > 0.93, `${hitShare}`);
});

test('what an engine would refuse is an error here too', async () => {
  const flags = ['--workload', 'cold', '--scale', '0.01', '--context-length', '1000'];
  const { errors, errorKinds } = await model('cache_aware', 2, flags);
  assert.equal(errors, 4);
  assert.match(Object.keys(errorKinds)[0] ?? '', /^HTTP 400: The input \(1500 tokens\) is longer/);
});

test('it ends when it is stopped', async () => {
  const stop = new AbortController();
  stop.abort();
  assert.equal((await model('cache_aware', 2, ['--workload', 'cold'], stop.signal)).requests, 0);
});
