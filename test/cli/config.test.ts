import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';

const MAIN = fileURLToPath(new URL('../../src/main.ts', import.meta.url));
const FOLDER = mkdtempSync(join(tmpdir(), 'config-'));

function config(words: readonly string[], env: NodeJS.ProcessEnv = {}): string {
  return execFileSync(process.execPath, [MAIN, 'config', ...words], { env, encoding: 'utf8' });
}

/** The lines that are no comment. */
function given(text: string): string[] {
  return text.split('\n').filter((line) => /^[^#]/.test(line));
}

test('config prints what is given, with its origin, and defaults as comments', () => {
  const text = config(['router', '--policy', 'random', '--port', '4000'], { SGLANG_ROUTER_QUEUE_SIZE: '5' });
  assert.deepEqual(
    given(text).map((line) => line.replace(/ +#/, ' #')),
    ['port: 4000 # command line', 'policy: random # command line', 'queue-size: 5 # SGLANG_ROUTER_QUEUE_SIZE'],
  );
  assert.match(text, /^# Admission$/m);
  assert.match(text, /^# max-concurrent-requests: 64 +# default$/m);
  assert.match(text, /^# worker-urls: +# not set$/m);
});

test('the text of config is a file that gives the same', () => {
  const words = ['--sim', '--dp-size', '3', '--router-policy=random', '--router-selector', 'app=x', 'tier in (a,b)'];
  const more = ['--router-cors-allowed-origins', '*', 'https://a.example', '--router-max-payload-size', '1000'];
  const text = config([...words, ...more, '--router-prefill', 'http://a', '1', '--router-prefill', 'http://b', 'none']);
  const file = join(FOLDER, 'again.yaml');
  writeFileSync(file, text);
  const values = (lines: string[]) => lines.map((line) => line.replace(/ +# .*$/, ''));
  assert.deepEqual(values(given(config(['server', '--router-config', file]))), values(given(text)));
});

test('config shows no key, wherever it comes from', () => {
  const file = join(FOLDER, 'keys.yaml');
  writeFileSync(file, 'router-control-plane-api-keys: ["a:b:admin:sk-1"]\napi-key: sk-2\n');
  const words = ['--sim', '--router-config', file, '--hf-token', 'sk-3'];
  const text = config(words, { SGLANG_ROUTER_API_KEY: 'sk-4' });
  assert.doesNotMatch(text, /sk-/);
  assert.match(text, /^# router-api-key: \*\*\* +# SGLANG_ROUTER_API_KEY$/m);
  assert.match(text, /^# api-key: \*\*\* +# .*keys\.yaml, line 2$/m);
  assert.match(text, /^# Each server gets: --hf-token \*\*\* --api-key \*\*\*$/m);
});

test('config needs no model, and refuses what the command would', () => {
  assert.match(config([]), /^# model-path: +# not set$/m);
  assert.throws(() => config(['--router-polcy', 'x']), { status: 2 });
  assert.match(config(['--help']), /^Usage: sglang-launch config \[server\|router\]/m);
});
