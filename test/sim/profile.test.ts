import assert from 'node:assert/strict';
import { mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { ExitError } from '../../src/errors/errors.ts';
import { parseSimOptions } from '../../src/sim/parse-options.ts';

function profile(content: string): string {
  const path = join(mkdtempSync(join(tmpdir(), 'profile-')), 'engine.json');
  writeFileSync(path, content);
  return path;
}

function optionsOf(...words: readonly string[]) {
  const parsed = parseSimOptions(words);
  assert.ok(parsed.kind === 'options');
  return parsed.options;
}

test('a profile gives the speed and the KV cache of an engine; flags behind it change single values', () => {
  const path = profile(
    '{"measured":{"url":"x"},"flags":{"--sim-prefill-tokens-per-sec":812.5,"--page-size":1,"--chunked-prefill-size":-1}}',
  );
  const options = optionsOf('--page-size', '64', '--sim-profile', path, '--sim-prefill-tokens-per-sec', '900');
  assert.deepEqual([options.pageSize, options.chunkedPrefillSize, options.prefillTokensPerSec], [1, -1, 900]);
});

test('what is no profile is a usage error that says what was expected', () => {
  const refused = (path: string, pattern: RegExp) =>
    assert.throws(
      () => optionsOf('--sim-profile', path),
      (error) => error instanceof ExitError && error.code === 'usage' && pattern.test(error.message),
    );
  refused(profile('{'), /expected JSON/);
  refused(profile('[]'), /expected an object with "flags"/);
  refused(profile('null'), /expected an object with "flags"/);
  refused(profile('{"flags":{"--port":1}}'), /got --port: 1/);
  refused(profile('{"flags":{"--page-size":"1"}}'), /--page-size/);
  refused('/nowhere/engine.json', /--sim-profile \/nowhere/);
});
