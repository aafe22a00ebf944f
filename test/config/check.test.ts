import assert from 'node:assert/strict';
import { test } from 'node:test';
import { resolveServer } from '../../src/config/launch.ts';
import { resolveRouter } from '../../src/config/resolve.ts';

const REFUSED: Readonly<Record<string, RegExp>> = {
  '--retry-max-backoff-ms 50': /^--retry-max-backoff-ms: expected at least --retry-initial-backoff-ms \(100\), got 50$/,
  '--queue-timeout-secs 0': /^--queue-timeout-secs: expected at least 1 second, got 0$/,
  '--health-check-endpoint health': /^--health-check-endpoint: expected a path such as \/health, got 'health'$/,
  '--service-discovery --selector a=b --peer-selector a=c --tls-cert-path c --tls-key-path k':
    /^--peer-selector does not go with --tls-cert-path/,
  '--service-discovery': /^--service-discovery needs --selector KEY=VALUE/,
  '--service-discovery --pd-disaggregation':
    /^--service-discovery with --pd-disaggregation needs --prefill-selector KEY=VALUE and --decode-selector KEY=VALUE,/,
  '--service-discovery --pd-disaggregation --prefill-selector a=b': /needs --decode-selector KEY=VALUE, got none$/,
  '--service-discovery --selector a=b --service-discovery-namespace Prod':
    /^--service-discovery-namespace: expected the name of a namespace, got 'Prod'$/,
  '--service-discovery --selector a=b --peer-selector a=c --peer-namespace a/b':
    /^--peer-namespace: expected the name of a namespace, got 'a\/b'$/,
  '--pd-disaggregation --worker-dns workers:8000': /^--worker-dns does not go with --pd-disaggregation/,
  '--worker-dns 10.0.0.1:http': /^--worker-dns: expected a whole number/,
  '--worker-dns http://workers': /^--worker-dns: expected a (DNS name|whole number)/,
  '--tls-cert-path a': /^--tls-cert-path needs --tls-key-path$/,
  '--tls-key-path a': /^--tls-key-path needs --tls-cert-path$/,
  '--client-cert-path a': /^--client-cert-path needs --client-key-path$/,
  '--retry-max-retries -1': /^--retry-max-retries/,
  '--retry-initial-backoff-ms 0': /^--retry-initial-backoff-ms/,
  '--retry-backoff-multiplier 0.5': /^--retry-backoff-multiplier/,
  '--retry-jitter-factor 1.5': /^--retry-jitter-factor/,
  '--balance-rel-threshold 0.9': /^--balance-rel-threshold/,
  '--eviction-interval 0': /^--eviction-interval/,
  '--max-tree-size 0': /^--max-tree-size/,
  '--max-payload-size 0': /^--max-payload-size/,
  '--request-timeout-secs 0': /^--request-timeout-secs/,
  '--worker-startup-timeout-secs 0': /^--worker-startup-timeout-secs/,
  '--worker-startup-check-interval 0': /^--worker-startup-check-interval/,
  '--rate-limit-tokens-per-second -1': /^--rate-limit-tokens-per-second/,
  '--cb-failure-threshold 0': /^--cb-failure-threshold/,
  '--cb-timeout-duration-secs 0': /^--cb-timeout-duration-secs/,
  '--prefill http://a 0': /^--prefill/,
  '--prometheus-duration-buckets 1 0.5': /^--prometheus-duration-buckets: expected rising numbers above 0, got 1 0.5$/,
  '--prometheus-duration-buckets 0 1': /^--prometheus-duration-buckets/,
  '--cors-allowed-origins https://a.example/page': /^--cors-allowed-origins: expected an origin such as .* got 'https/,
  '--cors-allowed-origins a.example': /^--cors-allowed-origins/,
  '--request-id-headers x:y': /^--request-id-headers: expected the name of a header, got 'x:y'$/,
};

for (const [line, message] of Object.entries(REFUSED)) {
  test(`refused: ${line}`, () => assert.rejects(() => resolveRouter(line.split(' '), {}), { code: 'usage', message }));
}

test('a key that is empty, or admin routes that need another one, is no way to serve everybody', async () => {
  await assert.rejects(() => resolveRouter(['--api-key', ''], {}), {
    code: 'usage',
    message: '--api-key: expected a key, got none',
  });
  const tokens = ['--jwt-issuer', 'https://idp'];
  await assert.rejects(() => resolveRouter(tokens, {}), {
    code: 'usage',
    message: /without --api-key or --control-plane-api-keys the admin routes are open/,
  });
  assert.equal((await resolveRouter([...tokens, '--api-key', 'k'], {})).config.apiKey, 'k');
  await resolveRouter([...tokens, '--control-plane-api-keys', 'id:name:admin:key'], {});
  await assert.rejects(() => resolveServer(['--sim', '--router-api-key', ''], {}), {
    message: /^--router-api-key: expected a key/,
  });
});

test('keys of the admin routes are read from the command line and from the variable, and none that is refused is shown', async () => {
  const keys = [
    { id: 'a', name: 'The Admin', role: 'admin', key: 'k:1,x' },
    { id: 'b', name: '', role: 'user', key: 'k2' },
  ];
  const words = ['a:The Admin:ADMIN:k:1,x', 'b::user:k2'];
  assert.deepEqual((await resolveRouter(['--control-plane-api-keys', ...words], {})).config.controlPlaneApiKeys, keys);
  for (const between of [' ', ', ', ',', '\n']) {
    const env = { SGLANG_ROUTER_CONTROL_PLANE_API_KEYS: words.join(between) };
    assert.deepEqual((await resolveRouter([], env)).config.controlPlaneApiKeys, keys, JSON.stringify(between));
  }
  for (const wrong of ['sk-1', 'a:b:sk-1', 'a:b:sk-1:x', 'a:b:admin:', 'a:b:admin:sk-1 ', 'a:b:user:sk-\u00e9']) {
    await assert.rejects(
      () => resolveRouter(['--control-plane-api-keys', wrong], {}),
      (error: Error) => error.message.startsWith('--control-plane-api-keys: expected ') && !/sk-/.test(error.message),
      wrong,
    );
  }
});

/** What is said at start; nothing where there is nothing to say. */
const ACCEPTED: Readonly<Record<string, RegExp | undefined>> = {
  '--worker-urls http://a --queue-size 0 --queue-timeout-secs 0': undefined,
  '--worker-urls http://a --host localhost': undefined,
  '--worker-urls http://a --prometheus-duration-buckets 0.5 1': undefined,
  '--worker-urls http://a --cors-allowed-origins * https://a.example:8443': undefined,
  '--policy power_of_two --worker-urls http://a http://b': undefined,
  '--policy power_of_two --worker-urls http://a':
    /^--policy power_of_two chooses between 2 workers or more \(--worker-urls\), got 1 so far$/,
  '--policy power_of_two --workers-file a': undefined,
  '--worker-urls http://a --worker-urls http://b': /^--worker-urls is given 2 times: the last alone counts$/,
  '--pd-disaggregation --prefill http://a --prefill http://b --decode http://c --decode http://d': undefined,
  '--policy power_of_two --service-discovery --selector a=b': undefined,
  '--policy power_of_two --worker-dns workers:8000 _http._tcp.workers': undefined,
  '--max-concurrent-requests 8':
    /^no workers so far \(start with --worker-urls URL, or POST \/add_worker\?url=URL\): requests wait until one is added$/,
  '--worker-urls': /^no workers so far/,
  '--worker-urls http://a HTTP://A:80/':
    /^--worker-urls names one server 2 times, as http:\/\/a and HTTP:\/\/A:80\/: it counts once$/,
  '--worker-urls http://a --port 1 --port 2': /^--port is given 2 times: the last alone counts$/,
  '--worker-urls http://a --port 1 --port 1': undefined,
  '--worker-urls http://a --disable-retries --retry-max-retries 3':
    /^--retry-max-retries has no effect with --disable-retries$/,
  '--worker-urls http://a --disable-circuit-breaker --cb-failure-threshold 3':
    /^--cb-failure-threshold has no effect with --disable-circuit-breaker$/,
  '--worker-urls http://a --otlp-traces-endpoint a:1': /^--otlp-traces-endpoint has no effect without --enable-trace$/,
  '--worker-urls http://a --port 29000': undefined,
  '--worker-urls http://a --host 10.0.0.5 --port 8000 --prometheus-port 8000': undefined,
  '--worker-urls http://a --peer-selector a=b': /^--peer-selector has no effect without --service-discovery$/,
  '--service-discovery --selector a=b --peer-namespace a': /^--peer-namespace has no effect without --peer-selector$/,
  '--worker-urls http://a --selector a=b': /^--selector has no effect without --service-discovery$/,
  '--service-discovery --selector a=b --decode-selector a=c':
    /^--decode-selector has no effect without --pd-disaggregation$/,
  '--pd-disaggregation --decode-policy power_of_two --decode http://a': /^--decode-policy power_of_two chooses/,
  '--service-discovery --pd-disaggregation --prefill-selector a=b --decode-selector a=c': undefined,
};

for (const [line, said] of Object.entries(ACCEPTED)) {
  test(`accepted: ${line}`, async () => {
    const { notices } = await resolveRouter(line.split(' '), {});
    if (said === undefined) assert.deepEqual(notices, []);
    else assert.match(notices.at(-1) ?? '', said);
  });
}

test('origins and header names are read as browsers and Node spell them', async () => {
  const line = '--cors-allowed-origins HTTPS://A.example:443/ --request-id-headers X-My-Id';
  const { config } = await resolveRouter(line.split(' '), {});
  assert.deepEqual(config.corsAllowedOrigins, ['https://a.example']);
  assert.deepEqual(config.requestIdHeaders, ['x-my-id']);
});

test('a worker has one name, however its URL is spelt; a port that was given stays', async () => {
  const line =
    '--worker-urls HTTP://A.example:08000/ http://b:80 https://c/x// http://[0:0:0:0:0:0:0:1]:9 http://127.1:1';
  const { config } = await resolveRouter(line.split(' '), {});
  const names = ['http://a.example:8000', 'http://b:80', 'https://c/x', 'http://[::1]:9', 'http://127.0.0.1:1'];
  assert.deepEqual(config.workerUrls, names);
});

test('an empty address to listen on is not every address', async () => {
  for (const flag of ['--host=', '--prometheus-host=']) {
    await assert.rejects(() => resolveRouter([flag], {}), { code: 'usage', message: /expected an address, got none/ });
  }
});

test('an IPv6 address to listen on may be in brackets', async () => {
  const { config } = await resolveRouter('--host [::1] --prometheus-host ::'.split(' '), {});
  assert.deepEqual([config.host, config.prometheusHost], ['::1', '::']);
});

test('launch_server counts the servers it starts and spells flags as it takes them', async () => {
  const line = ['--sim', '--router-policy', 'power_of_two'];
  assert.deepEqual((await resolveServer([...line, '--dp-size', '2'], {})).notices, []);
  assert.match((await resolveServer(line, {})).notices[0] ?? '', /^--router-policy power_of_two chooses/);
});

test('a server that is named twice is one worker', async () => {
  const { config } = await resolveRouter(['--worker-urls', 'http://a', 'http://a:80/', 'http://b'], {});
  assert.deepEqual(config.workerUrls, ['http://a', 'http://b']);
});

test('a flag of the servers that looks like one of the router is told, and goes to them', async () => {
  const { notices, launch } = await resolveServer(
    ['--sim', '--polcy', 'random', '--load-format', 'auto', '--tp', '2'],
    {},
  );
  assert.deepEqual(notices, ['--polcy goes to the servers as it is; did you mean --router-policy?']);
  assert.ok(launch.serverArgs.includes('--polcy'));
});
