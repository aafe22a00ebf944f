import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ExitError } from '../../src/errors/errors.ts';
import { parseSimOptions } from '../../src/sim/parse-options.ts';

function parse(...argv: string[]) {
  const parsed = parseSimOptions(argv);
  assert.ok(parsed.kind === 'options');
  return parsed;
}

const refuses = (message: RegExp, ...argv: string[]) =>
  assert.throws(
    () => parseSimOptions(argv),
    (error: unknown) => {
      assert.ok(error instanceof ExitError && error.exitCode === 2);
      assert.match(error.message, message);
      return true;
    },
  );

test('the defaults are the cost model that results are compared by', () => {
  const { options, withoutEffect } = parse();
  assert.deepEqual(withoutEffect, []);
  assert.equal(options.prefillTokensPerSec, 8000);
  assert.equal(options.chunkedPrefillSize, 2048);
  assert.equal(options.decodeBaseMs, 6);
  assert.equal(options.decodePerRunningMs, 0.35);
  assert.equal(options.maxRunningRequests, 256);
  assert.equal(options.maxTotalTokens, 524_288);
  assert.equal(options.pageSize, 16);
  assert.equal(options.servedModelName, undefined);
});

test('values stand behind a space or an equals sign, the last one counts', () => {
  const { options } = parse(
    '--port',
    '1',
    '--model=a b',
    '--port=31000',
    '--enable-metrics',
    '--sim-slow-factor',
    '2.5',
  );
  assert.equal(options.port, 31000);
  assert.equal(options.modelPath, 'a b');
  assert.equal(options.enableMetrics, true);
  assert.equal(options.slowFactor, 2.5);
});

test('phases can be given their seconds one by one', () => {
  const { options } = parse('--sim-startup-phases', 'weights=2.5,warm-up=0');
  assert.deepEqual(
    [...(options.startupPhases ?? [])],
    [
      ['weights', 2.5],
      ['warm-up', 0],
    ],
  );
});

test('other flags of a real server are taken with their values', () => {
  const { options, withoutEffect } = parse(
    '--tp',
    '2',
    '--lora-paths',
    'a=b',
    'c=d',
    '--some-seed',
    '-1',
    '-x',
    '--port',
    '9',
    '--q=1',
  );
  assert.deepEqual(withoutEffect, ['--tp 2', '--lora-paths a=b c=d', '--some-seed -1', '-x', '--q=1']);
  assert.equal(options.port, 9);
});

test('a wrong value is refused with what was expected and what came', () => {
  refuses(/^--port: expected a whole number of at least 0, got "x"$/, '--port', 'x');
  refuses(/^--port: expected at most 65535, got 70000$/, '--port', '70000');
  refuses(/^--page-size: expected a whole number of at least 1, got "0"$/, '--page-size', '0');
  refuses(/^--sim-prefill-tokens-per-sec: expected a number above 0, got "0"$/, '--sim-prefill-tokens-per-sec', '0');
  refuses(/^--sim-startup-fail: expected one of weights, .*, got "never"$/, '--sim-startup-fail', 'never');
  refuses(
    /^--sim-startup-phases: expected NAME=SECONDS of weights, .*, got "weights"$/,
    '--sim-startup-phases',
    'weights',
  );
  refuses(/^--sim-startup-phases: expected/, '--sim-startup-phases', 'other=1');
  refuses(/^--enable-metrics: expected no value, got "yes"$/, '--enable-metrics=yes');
  refuses(/^--port: expected a value \(INT\), got none$/, '--port');
  refuses(/^expected a flag, got "31000"$/, '31000');
});

test('a misspelt knob of the simulation is no flag of a real server', () => {
  refuses(/^unknown flag --sim-slow/, '--sim-slow', '2');
});

test('what one engine cannot be is refused', () => {
  refuses(/^--disaggregation-bootstrap-port: expected at most 65535/, '--disaggregation-bootstrap-port', '70000');
  refuses(/^--disaggregation-mode: expected one of null, prefill, decode, got "both"/, '--disaggregation-mode', 'both');
  refuses(
    /^--max-total-tokens: expected at least two pages \(128\), got 100/,
    '--max-total-tokens',
    '100',
    '--page-size',
    '64',
  );
});

test('help is asked for anywhere', () => {
  assert.equal(parseSimOptions(['--port', '1', '--help']).kind, 'help');
});
