import assert from 'node:assert/strict';
import { test } from 'node:test';
import { simEngine } from '../../src/launch/engine.ts';
import { describeGpus, planServers } from '../../src/launch/plan.ts';

const engine = simEngine('/opt/main.mjs');
const ONE = { regular: 1, prefill: 0, decode: 0 };
const launch = { servers: ONE, gpu: { base: 0, step: 1, perServer: 2 }, serverArgs: [], serverTls: false };

test('each server gets its own GPUs, rank and port', () => {
  const plans = planServers(
    { ...launch, servers: { ...ONE, regular: 3 }, gpu: { base: 1, step: 2, perServer: 2 } },
    engine,
  );
  assert.deepEqual(
    plans.map(({ name, gpus }) => [name, gpus]),
    [
      ['w0', [1, 3]],
      ['w1', [5, 7]],
      ['w2', [9, 11]],
    ],
  );
  const { args, env } = plans[2]!.command(31_007);
  // SGLang takes the variable for the rank within one server, and a second rank of one tells nobody its load.
  assert.equal(env.SGLANG_DP_RANK, undefined);
  assert.deepEqual(args.slice(args.indexOf('--host')), [
    ...['--host', '127.0.0.1', '--port', '31007', '--dp-size', '1', '--base-gpu-id', '9', '--exit-with-parent'],
  ]);
});

test('prefill and decode servers: by their role, GPUs counted on, a bootstrap port for each prefill server', () => {
  const plans = planServers({ ...launch, servers: { regular: 0, prefill: 2, decode: 1 } }, engine);
  assert.deepEqual(
    plans.map(({ name, role, gpus }) => [name, role, gpus]),
    [
      ['prefill0', 'prefill', [0, 1]],
      ['prefill1', 'prefill', [2, 3]],
      ['decode0', 'decode', [4, 5]],
    ],
  );
  const prefill = plans[1]!.command(31_000, 31_001);
  const decode = plans[2]!.command(31_002);
  assert.match(prefill.args.join(' '), / --disaggregation-mode prefill --disaggregation-bootstrap-port 31001 --exit/);
  assert.match(decode.args.join(' '), / --base-gpu-id 4 --disaggregation-mode decode --exit/);
});

test("the user's flags stand before ours, untouched and in order", () => {
  const serverArgs = ['--model-path', 'm', '--tp', '2', '--flag=a b', '--flag', '', '--flag=ü'];
  const [plan] = planServers({ ...launch, serverArgs }, engine);
  const { args } = plan!.command(31_000);
  assert.deepEqual(args.slice(2, 2 + serverArgs.length), serverArgs);
});

test('servers with a certificate speak HTTPS', () => {
  assert.equal(planServers(launch, engine)[0]!.scheme, 'http');
  assert.equal(planServers({ ...launch, serverTls: true }, engine)[0]!.scheme, 'https');
});

test('GPUs are named as people write them', () => {
  assert.equal(describeGpus([3]), 'GPU 3');
  assert.equal(describeGpus([4, 5, 6]), 'GPUs 4-6');
  assert.equal(describeGpus([0, 2]), 'GPUs 0,2');
});
