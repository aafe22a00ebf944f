import assert from 'node:assert/strict';
import { test } from 'node:test';
import { resolveRouter } from '../../src/config/resolve.ts';
import { ExitError } from '../../src/errors/errors.ts';

const config = async (...argv: string[]) => (await resolveRouter(argv, {})).config;
const refusal = async (...argv: string[]) => {
  try {
    await resolveRouter(argv, {});
  } catch (error) {
    assert.ok(error instanceof ExitError);
    assert.equal(error.exitCode, 2);
    return error.message;
  }
  throw new assert.AssertionError({ message: `accepted: ${argv.join(' ')}` });
};

test('a value follows its flag or an equals sign', async () => {
  assert.equal((await config('--port', '8000')).port, 8000);
  assert.equal((await config('--port=8000')).port, 8000);
  assert.equal((await config('--api-key=--odd=key')).apiKey, '--odd=key');
});

test('a flag may be shortened while only one begins like that', async () => {
  assert.deepEqual((await config('--worker-u', 'http://a:1')).workerUrls, ['http://a:1']);
  assert.equal((await config('--eviction', '5')).evictionIntervalMs, 5000);
  assert.match(
    await refusal('--worker', 'http://a'),
    /--worker could be --worker-urls, --workers-file, --worker-startup-timeout-secs/,
  );
});

test('a list takes the words up to the next flag, and the last list counts', async () => {
  const given = await config('--worker-urls', 'http://a:1', 'http://b:2/', '--port', '1', '--cors-allowed-origins');
  assert.deepEqual(given.workerUrls, ['http://a:1', 'http://b:2']);
  assert.deepEqual(given.corsAllowedOrigins, []);
  assert.deepEqual((await config('--worker-urls', 'http://a', '--worker-urls', 'http://b')).workerUrls, ['http://b']);
});

test('the last of repeated flags counts', async () => {
  assert.equal((await config('--port', '1', '--port=2')).port, 2);
});

test('a negative number is a value', async () => {
  assert.equal((await config('--max-concurrent-requests', '-1')).maxConcurrentRequests, -1);
});

test('--prefill is a URL with a port, none or nothing, as often as needed', async () => {
  const words = ['--prefill', 'http://a:1', '9000', '--prefill', 'http://b:1', 'None', '--prefill=http://c:1'];
  const given = await config('--pd-disaggregation', ...words);
  assert.deepEqual(given.prefill, [
    { url: 'http://a:1', bootstrapPort: 9000 },
    { url: 'http://b:1', bootstrapPort: null },
    { url: 'http://c:1', bootstrapPort: undefined },
  ]);
  const decode = ['--decode', 'http://a', '--decode', 'http://b', 'http://c'];
  assert.equal((await config('--pd-disaggregation', ...decode)).decode.length, 3);
});

test('a selector is labels in one word or several', async () => {
  const labels = ['app=worker', 'tier=gpu'];
  assert.deepEqual((await config('--selector', 'app=worker', 'tier=gpu')).selector, labels);
  assert.deepEqual((await config('--selector', 'app=worker tier=gpu')).selector, labels);
  assert.deepEqual((await config('--selector', 'app==worker,tier=gpu')).selector, labels);
  const { config: fromVariable } = await resolveRouter([], { SGLANG_ROUTER_SELECTOR: 'app=worker, tier in (a, b)' });
  assert.deepEqual(fromVariable.selector, ['app=worker', 'tier in (a,b)']);
});

test('other requirements of a selector are taken as kubectl takes them', async () => {
  const words = ['example.com/tier in ( gpu, cpu )', 'old notin (yes)', 'stage!=test', 'ready', '!broken', 'empty='];
  const read = ['example.com/tier in (gpu,cpu)', 'old notin (yes)', 'stage!=test', 'ready', '!broken', 'empty='];
  assert.deepEqual((await config('--selector', ...words)).selector, read);
  assert.deepEqual((await config('--selector', words.join(', '))).selector, read);
  for (const word of ['tier in gpu', 'a=b=c', '=x', 'a/b/c=d', 'a=-b', 'a in ()x', `a=${'x'.repeat(64)}`]) {
    await assert.rejects(() => config('--selector', word), {
      code: 'usage',
      message: /^--selector: expected labels such as/,
    });
  }
});

test('sizes are bytes, or powers of 1024', async () => {
  assert.equal((await config('--max-payload-size', '1000')).maxPayloadBytes, 1000);
  for (const word of ['512MB', '512MiB', '512m'])
    assert.equal((await config('--max-payload-size', word)).maxPayloadBytes, 2 ** 29);
});

test('seconds become milliseconds that a timer can wait', async () => {
  assert.equal((await config('--request-timeout-secs', '30')).requestTimeoutMs, 30_000);
  assert.equal((await config('--request-timeout-secs', '99999999')).requestTimeoutMs, 2 ** 31 - 1);
});

test('usage errors name the flag, what came and what was expected', async () => {
  assert.equal(await refusal('--port', 'x'), "--port: expected a whole number, got 'x'");
  assert.equal(await refusal('--port=0'), "--port: expected a whole number between 1 and 65535, got '0'");
  assert.equal(await refusal('--port'), '--port: expected a value, got nothing');
  assert.match(await refusal('--port', '--host'), /^--port: expected a value, got the flag --host/);
  assert.equal(await refusal('--dp-aware=yes'), "--dp-aware takes no value, got 'yes'");
  assert.match(await refusal('--policy', 'fastest'), /^--policy: expected one of random, .*, got 'fastest'$/);
  assert.equal(
    await refusal('--cache-threshold', '2'),
    "--cache-threshold: expected a number between 0 and 1, got '2'",
  );
  assert.match(
    await refusal('--worker-urls', 'a:1'),
    /^--worker-urls: expected a URL that starts with http:\/\/ .*got 'a:1'$/,
  );
  assert.match(await refusal('--worker-urls', 'grpc://a:1'), /gRPC workers are not supported/);
  assert.match(await refusal('--prefill', 'http://a', 'x'), /invalid bootstrap port 'x': must be a number or 'none'/);
  assert.match(await refusal('--prefill', 'http://a', '1', 'http://b'), /repeat the flag/);
  assert.match(await refusal('--decode-policy', 'bucket'), /^--decode-policy: expected one of/);
});

test('an unknown flag names the nearest known one', async () => {
  assert.equal(await refusal('--polcy', 'x'), 'unknown flag --polcy; did you mean --policy?');
  assert.equal(await refusal('--prot=1'), 'unknown flag --prot; did you mean --port?');
  assert.equal(
    await refusal('--max-concurrency', '1'),
    'unknown flag --max-concurrency; did you mean --max-concurrent-requests?',
  );
  assert.equal(await refusal('--router-policy', 'x'), 'unknown flag --router-policy; did you mean --policy?');
  assert.equal(await refusal('--entirely-different'), 'unknown flag --entirely-different');
});

test('a word that belongs to no flag is named', async () => {
  assert.equal(await refusal('http://a:1'), "unexpected argument 'http://a:1': values follow a --flag");
  assert.equal(await refusal('--port', '1', '2'), "unexpected argument '2': values follow a --flag");
});
