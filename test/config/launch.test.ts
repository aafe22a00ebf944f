import assert from 'node:assert/strict';
import { test } from 'node:test';
import { resolveServer } from '../../src/config/launch.ts';

const resolve = (...argv: string[]) => resolveServer(argv, {});
const launch = async (...argv: string[]) => (await resolve('--model', 'm', ...argv)).launch;

test('what is not ours goes to the servers untouched and in order', async () => {
  const theirs = [
    '--model-path',
    'm',
    '--json-model-override-args',
    '{"a": 1}',
    '--log-requests-target',
    'a',
    'b',
    '--x=1',
    '--x=2',
  ];
  const { launch, config } = await resolve(
    ...theirs.slice(0, 4),
    '--router-policy',
    'random',
    ...theirs.slice(4),
    '--host',
    '0.0.0.0',
  );
  assert.deepEqual(launch.serverArgs, theirs);
  assert.equal(config.policy, 'random');
  assert.equal(config.host, '0.0.0.0');
});

test('the number of servers, in any spelling that argparse takes; the last counts and none goes through', async () => {
  for (const words of [
    '--dp-size 4',
    '--dp 4',
    '--dp=4',
    '--data-parallel-size=4',
    '--data-parallel 4',
    '--dp 2 --dp-size 4',
  ]) {
    const { servers, serverArgs } = await launch(...words.split(' '));
    assert.equal(servers.regular, 4, words);
    assert.deepEqual(serverArgs, ['--model', 'm'], words);
  }
});

test('tensor and pipeline parallelism are read and go through', async () => {
  for (const words of [
    '--tp 2 --pp-size 3',
    '--tp-size=2 --pipeline-parallel-size 3',
    '--tensor-parallel-size 2 --pipeline 3',
  ]) {
    const { gpu, serverArgs } = await launch(...words.split(' '));
    assert.equal(gpu.perServer, 6, words);
    assert.deepEqual(serverArgs, ['--model', 'm', ...words.split(' ')]);
  }
});

test('the GPUs: the base is taken, the step goes through', async () => {
  const { gpu, serverArgs } = await launch('--base-gpu-id', '2', '--gpu-id-step=2');
  assert.deepEqual({ ...gpu }, { base: 2, step: 2, perServer: 1 });
  assert.deepEqual(serverArgs, ['--model', 'm', '--gpu-id-step=2']);
});

test('a flag of SGLang that begins like one of ours is left alone', async () => {
  const theirs = [
    '--pp-max-micro-batch-size',
    '2',
    '--dp-attention',
    '--model-impl',
    'auto',
    '--hosts',
    'a',
    '--d',
    '3',
  ];
  assert.deepEqual((await launch(...theirs)).serverArgs, ['--model', 'm', ...theirs]);
});

test("the servers' key and level are theirs, the router's are prefixed", async () => {
  const { config, launch } = await resolve('--sim', '--api-key', 's', '--router-api-key', 'r', '--log-level', 'debug');
  assert.equal(launch.serverApiKey, 's');
  assert.equal(config.apiKey, 'r');
  assert.equal(config.logLevel, 'info');
  assert.deepEqual(launch.serverArgs, ['--api-key', 's', '--log-level', 'debug']);
});

test('flags of the launcher', async () => {
  const { launch, config } = await resolve(
    '--sim',
    '--router-dp-worker-base-port',
    '32000',
    '--router-serve-when=first',
    '--worker-urls',
    'http://w',
  );
  assert.equal(launch.sim, true);
  assert.equal(launch.workerBasePort, 32_000);
  assert.equal(launch.serveWhen, 'first');
  assert.deepEqual(config.workerUrls, ['http://w']);
  assert.deepEqual(launch.serverArgs, []);
  assert.ok(Object.isFrozen(launch) && Object.isFrozen(launch.gpu));
});

test('router flags take unambiguous beginnings after --router-', async () => {
  assert.equal((await resolve('--sim', '--router-log-l', 'debug')).config.logLevel, 'debug');
  assert.equal((await resolve('--sim', '--router-eviction-interval-secs', '3')).config.evictionIntervalMs, 3000);
});

test('usage errors say what to write', async () => {
  await assert.rejects(() => resolve(), { message: /no model/, hint: /--model-path MODEL, or --sim/ });
  await assert.rejects(() => resolve('--sim', '--policy', 'random'), {
    message: /^--policy is a router flag: .* --router-policy$/,
  });
  await assert.rejects(() => resolve('--sim', '--router-polcy'), {
    message: 'unknown flag --router-polcy; did you mean --router-policy?',
  });
  await assert.rejects(() => resolve('--sim', '--router-port', '1'), {
    message: 'unknown flag --router-port; did you mean --port?',
  });
  await assert.rejects(() => resolve('--sim', '--dp-size', '0'), {
    message: "--dp-size: expected auto or a whole number of at least 1, got '0'",
  });
  await assert.rejects(() => resolve('--sim', '--router-port=x'), { code: 'usage' });
});

test('the log directory is used by the launcher, so nothing is said', async () => {
  assert.deepEqual((await resolve('--sim', '--router-policy', 'random', '--router-log-dir', 'logs')).notices, []);
});

test('servers with a certificate are known to speak HTTPS, simulated ones never do', async () => {
  const words = ['--ssl-keyfile', 'k.pem', '--ssl-cert=c.pem'];
  const { serverTls, serverArgs } = await launch(...words);
  assert.ok(serverTls);
  assert.deepEqual(serverArgs, ['--model', 'm', ...words]);
  assert.ok(!(await launch()).serverTls);
  assert.ok(!(await launch('--ssl-keyfile', 'k')).serverTls);
  assert.ok(!(await resolve('--sim', ...words)).launch.serverTls);
});

test('servers that would speak gRPC are refused with the alternative', async () => {
  for (const flag of ['--grpc-mode', '--smg-grpc-mode']) {
    await assert.rejects(() => launch(flag), {
      code: 'usage',
      message: new RegExp(`^${flag}: .*HTTP`),
      hint: /--grpc-port/,
    });
  }
  assert.deepEqual((await launch('--grpc-port', '1')).serverArgs, ['--model', 'm', '--grpc-port', '1']);
});

test('restarts of dying servers: 5 unless said', async () => {
  assert.equal((await launch()).workerRestarts, 5);
  assert.equal((await launch('--router-worker-restarts', '0')).workerRestarts, 0);
});

test('each setting knows its value and its origin: command line, environment, default', async () => {
  const { settings } = await resolveServer(
    ['--model', 'm', '--dp-size', 'auto', '--router-api-key', 'hush', '--worker-urls', 'http://a', 'http://b'],
    { SGLANG_ROUTER_POLICY: 'random', SGLANG_ROUTER_PORT: '' },
  );
  const of = (wanted: string) => settings.find(({ key }) => key === wanted);
  const shown = (key: string) =>
    `${of(key)?.flag} ${of(key)?.value}: ${of(key)?.origin.kind}, ${of(key)?.origin.place}`;
  assert.equal(shown('dpSize'), '--dp-size auto: command line, command line');
  assert.equal(shown('workerUrls'), '--worker-urls http://a http://b: command line, command line');
  assert.equal(shown('policy'), '--router-policy random: environment, SGLANG_ROUTER_POLICY');
  assert.equal(shown('port'), '--port 30000: default, default');
  assert.equal(shown('apiKey'), '--router-api-key ***: command line, command line');
});
