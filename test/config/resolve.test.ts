import assert from 'node:assert/strict';
import { test } from 'node:test';
import { questionIn, resolveRouter } from '../../src/config/resolve.ts';
import { ExitError } from '../../src/errors/errors.ts';

const usage = (message: RegExp) => (error: unknown) =>
  error instanceof ExitError && error.exitCode === 2 && message.test(error.message);

test('the command line comes before the variable, the variable before the default', async () => {
  const env = { SGLANG_ROUTER_QUEUE_SIZE: '7', SGLANG_ROUTER_POLICY: 'random' };
  assert.equal((await resolveRouter([], {})).config.queueSize, 10_000);
  assert.equal((await resolveRouter([], env)).config.queueSize, 7);
  assert.equal((await resolveRouter(['--queue-size', '8'], env)).config.queueSize, 8);
  assert.equal((await resolveRouter([], env)).config.policy, 'random');
});

test('variables hold lists, switches and prefill servers; an empty one holds nothing', async () => {
  const { config } = await resolveRouter([], {
    SGLANG_ROUTER_WORKER_URLS: 'http://a:1, http://b:2 http://c:3',
    SGLANG_ROUTER_DP_AWARE: 'true',
    SGLANG_ROUTER_DISABLE_RETRIES: 'off',
    SGLANG_ROUTER_PREFILL: 'http://p:1 9000, http://q:1',
    SGLANG_ROUTER_EVICTION_INTERVAL_SECS: '3',
    SGLANG_ROUTER_PORT: '',
  });
  assert.equal(config.workerUrls.length, 3);
  assert.equal(config.dpAware, true);
  assert.equal(config.disableRetries, false);
  assert.deepEqual(
    config.prefill.map((server) => server.bootstrapPort),
    [9000, undefined],
  );
  assert.equal(config.evictionIntervalMs, 3000);
  assert.equal(config.port, 30_000);
});

test('a bad variable is a usage error that names the variable', async () => {
  await assert.rejects(
    () => resolveRouter([], { SGLANG_ROUTER_PORT: 'x' }),
    usage(/^SGLANG_ROUTER_PORT: expected a whole number/),
  );
  await assert.rejects(
    () => resolveRouter([], { SGLANG_ROUTER_DP_AWARE: 'x' }),
    usage(/^SGLANG_ROUTER_DP_AWARE: expected true or false/),
  );
});

test('the port variable that Kubernetes sets for a service of that name is none of ours', async () => {
  assert.equal((await resolveRouter([], { SGLANG_ROUTER_PORT: 'tcp://10.0.0.1:80' })).config.port, 30_000);
});

test('the configuration is frozen through and through, and plain data', async () => {
  const { config } = await resolveRouter(['--pd-disaggregation', '--prefill', 'http://a', '1'], {});
  assert.ok(Object.isFrozen(config) && Object.isFrozen(config.prefill) && Object.isFrozen(config.prefill[0]));
  assert.deepEqual(structuredClone(config), config);
});

test('a given option that never does anything is told of; one left alone is not', async () => {
  const workers = ['--worker-urls', 'http://a'];
  assert.deepEqual((await resolveRouter([...workers, '--policy', 'round_robin', '--queue-size', '3'], {})).notices, []);
  const { notices } = await resolveRouter([...workers, '--history-backend', 'none', '--policy', 'random'], {
    REDIS_URL: 'redis://somewhere',
  });
  assert.equal(notices.length, 1);
  assert.match(notices.join('\n'), /^--history-backend is accepted for compatibility, has no effect: /m);
});

test('warn is the level warning', async () => {
  assert.equal((await resolveRouter(['--log-level', 'warn'], {})).config.logLevel, 'warning');
});

test('help and version are found before anything else is read', () => {
  assert.equal(questionIn(['--port', '--help']), 'help');
  assert.equal(questionIn(['-V', '--help']), 'version');
  assert.equal(questionIn(['--port', '1', '--', '--help']), undefined);
});

test('a variable that nothing reads is told with the nearest one; those of the package and of Kubernetes are not', async () => {
  const { notices } = await resolveRouter(['--worker-urls', 'http://a'], {
    SGLANG_ROUTER_POLCY: 'random',
    SGLANG_ROUTER_IMAGE: 'x',
    SGLANG_ROUTER_EMPTY: '',
    SGLANG_ROUTER_NODE: '/usr/bin/node',
    SGLANG_ROUTER_PYTHON: 'python3',
    SGLANG_ROUTER_SERVE_WHEN: 'first',
    SGLANG_ROUTER_REDIS_URL: 'redis://a',
    SGLANG_ROUTER_SERVICE_HOST: '10.0.0.1',
    SGLANG_ROUTER_SERVICE_PORT: '80',
    SGLANG_ROUTER_SERVICE_PORT_HTTP: '80',
    SGLANG_ROUTER_PORT: 'tcp://10.0.0.1:80',
    SGLANG_ROUTER_PORT_80_TCP: 'tcp://10.0.0.1:80',
    SGLANG_ROUTER_PORT_80_TCP_ADDR: '10.0.0.1',
    SGLANG_ROUTER_METRICS_PORT: 'tcp://10.0.0.2:80',
  });
  assert.deepEqual(notices, [
    'the variable SGLANG_ROUTER_POLCY is not read by the router; did you mean SGLANG_ROUTER_POLICY?',
    'the variable SGLANG_ROUTER_IMAGE is not read by the router',
  ]);
});
