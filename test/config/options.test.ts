import assert from 'node:assert/strict';
import { test } from 'node:test';
import { variablesOf } from '../../src/config/environment.ts';
import { LAUNCH_OPTIONS, SERVER_OPTIONS } from '../../src/config/launch-options.ts';
import { OPTIONS } from '../../src/config/options.ts';
import { defaultOf } from '../../src/config/render.ts';
import { optionsOf, prefixed, ROUTER_OPTIONS, vocabularyOf } from '../../src/config/vocabulary.ts';

/** The configuration reference of the SGLang Router manual: flag, type, default. */
const MANUAL = `
--host str 127.0.0.1
--port int 30000
--worker-urls list
--policy str cache_aware
--max-concurrent-requests int 64
--request-timeout-secs int 600
--max-payload-size size 256MB
--cache-threshold float 0.5
--balance-abs-threshold int 32
--balance-rel-threshold float 1.0001
--eviction-interval int 60
--max-tree-size int 16777216
--retry-max-retries int 3
--retry-initial-backoff-ms int 100
--retry-max-backoff-ms int 10000
--retry-backoff-multiplier float 2
--retry-jitter-factor float 0.1
--disable-retries flag
--cb-failure-threshold int 5
--cb-success-threshold int 2
--cb-timeout-duration-secs int 30
--cb-window-duration-secs int 60
--disable-circuit-breaker flag
--pd-disaggregation flag
--prefill prefill
--decode list
--prefill-policy str
--decode-policy str
--worker-startup-timeout-secs int 300
--worker-startup-check-interval int 10
--service-discovery flag
--selector selector
--prefill-selector selector
--decode-selector selector
--service-discovery-port int 80
--service-discovery-namespace str
--bootstrap-port-annotation str sglang.ai/bootstrap-port
--prometheus-port int 29000
--prometheus-host str 127.0.0.1
--log-dir str
--log-level str info
--request-id-headers list
--cors-allowed-origins list
--dp-aware flag
--api-key str`;

/** The further flags of sglang-router 0.3.2. */
const FURTHER = `
--bucket-adjust-interval-secs --eviction-interval-secs --max-idle-secs --assignment-mode --enable-igw --mini-lb
--prometheus-duration-buckets --shutdown-grace-period-secs --queue-size --queue-timeout-secs
--rate-limit-tokens-per-second --health-failure-threshold --health-success-threshold --health-check-timeout-secs
--health-check-interval-secs --health-check-endpoint --disable-health-check --model-path --tokenizer-path
--chat-template --tokenizer-cache-enable-l0 --tokenizer-cache-l0-max-entries --tokenizer-cache-enable-l1
--tokenizer-cache-l1-max-memory --reasoning-parser --tool-call-parser --mcp-config-path --backend --history-backend
--oracle-wallet-path --oracle-tns-alias --oracle-connect-descriptor --oracle-username --oracle-password
--oracle-pool-min --oracle-pool-max --oracle-pool-timeout-secs --postgres-db-url --postgres-pool-max --redis-url
--redis-pool-max --redis-retention-days --client-cert-path --client-key-path --ca-cert-paths --tls-cert-path
--tls-key-path --enable-trace --otlp-traces-endpoint --control-plane-api-keys --control-plane-audit-enabled
--jwt-issuer --jwt-audience --jwt-jwks-uri --jwt-role-mapping`;

const vocabulary = vocabularyOf(ROUTER_OPTIONS);
const everything = [...ROUTER_OPTIONS, ...optionsOf(LAUNCH_OPTIONS), ...optionsOf(SERVER_OPTIONS)];

for (const row of MANUAL.trim().split('\n')) {
  const [flag = '', type, byDefault = ''] = row.split(' ');
  test(`${flag} is as in the manual`, () => {
    const spec = vocabulary.get(flag)?.spec;
    assert.ok(spec, `${flag} is missing`);
    assert.equal(spec.type, type);
    assert.equal(defaultOf(spec), byDefault);
  });
}

for (const flag of FURTHER.trim().split(/\s+/)) {
  test(`${flag} of sglang-router 0.3.2 is accepted`, () => assert.ok(vocabulary.has(flag)));
}

for (const { key, spec } of everything) {
  test(`${spec.flags[0]}: the default reads as it is written`, () => {
    const words = spec.render(spec.default);
    if (words.length > 0) assert.deepEqual(spec.parse(words), spec.default, key);
    else
      assert.ok(
        spec.default === undefined || spec.default === false || Object.keys(spec.default as object).length === 0,
      );
  });
}

test('the key of an option is its flag, in milliseconds or bytes where those are the unit', () => {
  for (const [key, spec] of Object.entries(OPTIONS)) {
    const name = spec.flags[0].slice(2).replace(/-(\w)/g, (_, letter: string) => letter.toUpperCase());
    const known = [name, name.replace(/Secs$/, 'Ms'), `${name}Ms`, name.replace(/Size$/, 'Bytes')];
    assert.ok(known.includes(key), `${key} for ${spec.flags[0]}`);
  }
});

test('no two options share a flag or a variable, nor one with the Python package', () => {
  const flags = ROUTER_OPTIONS.flatMap(({ spec }) => spec.flags);
  assert.equal(new Set(flags).size, flags.length);
  const variables = [...ROUTER_OPTIONS, ...optionsOf(LAUNCH_OPTIONS)].flatMap(variablesOf);
  assert.equal(new Set(variables).size, variables.length);
  for (const name of ['NODE', 'PYTHON', 'PROG']) assert.ok(!variables.includes(`SGLANG_ROUTER_${name}`));
});

test('launch_server prefixes every flag and alias but host, port and worker-urls', () => {
  const flags = ROUTER_OPTIONS.flatMap((option) => prefixed(option).spec.flags);
  const bare = flags.filter((flag) => !flag.startsWith('--router-'));
  assert.deepEqual(bare, ['--host', '--port', '--worker-urls']);
  assert.ok(flags.includes('--router-eviction-interval') && flags.includes('--router-eviction-interval-secs'));
});
