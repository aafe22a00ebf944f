import assert from 'node:assert/strict';
import { execFileSync, spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { OPTIONS } from '../../src/config/options.ts';
import { PREFIXED_OPTIONS } from '../../src/config/vocabulary.ts';

const MAIN = fileURLToPath(new URL('../../src/main.ts', import.meta.url));
const FIXTURES = fileURLToPath(new URL('../fixtures/completion', import.meta.url));
const FOLDER = mkdtempSync(join(tmpdir(), 'completion-'));
mkdirSync(join(FOLDER, 'logs'));
writeFileSync(join(FOLDER, 'launch.yaml'), '');

/** What comes before the cursor, and what is offered there. */
const OFFERS: Readonly<Record<string, string>> = {
  'sglang-launch ': 'server router launch doctor logs restart top ps sim-engine bench config completion help',
  'sglang-launch co': 'config completion',
  'sglang-router co': 'config completion',
  'sglang-launch --router-pol': '--router-policy',
  'sglang-launch --dp-size 2 --router-pol': '--router-policy',
  'sglang-launch --router-policy r': 'random round_robin',
  'sglang-launch --router-policy=r': 'random round_robin',
  'sglang-launch server --router-policy r': 'random round_robin',
  'sglang-launch launch --policy r': 'random round_robin',
  'sglang-launch router --policy ': OPTIONS.policy.choices?.join(' ') ?? '',
  'sglang-launch --hel': '--help --help-all',
  'sglang-launch router --help-': '--help-all',
  'sglang-launch bench --hel': '--help',
  'sglang-launch router --policy random --po': '--policy --port',
  'sglang-launch router --router-pol': '',
  'sglang-router --router-pol': '',
  'sglang-router router --pol': '--policy',
  'sglang-launch config r': 'router',
  'sglang-launch config router --queue-s': '--queue-size',
  'sglang-launch config --router-queue-s': '--router-queue-size',
  'sglang-launch completion ': 'bash fish zsh',
  'sglang-launch help b': 'bench',
  'sglang-launch logs --f': '--follow',
  'sglang-launch bench --workload m': 'mixed mooncake',
  'sglang-launch sim-engine --model-p': '--model-path',
  'sglang-launch --router-config l': 'launch.yaml logs',
  'sglang-launch --router-log-dir l': 'logs',
  'sglang-launch --router-dp-aware --router-queue-s': '--router-queue-size',
};

/** fish knows one value a flag. */
const LISTS: Readonly<Record<string, string>> = { 'sglang-launch router --ca-cert-paths x l': 'launch.yaml logs' };

/** Each shell with the words that make it read a file of commands, and nothing of the user's own. */
const SHELLS: Readonly<Record<string, readonly string[]>> = {
  bash: ['--norc', '--noprofile'],
  zsh: ['-f'],
  fish: ['--no-config'],
};

function completion(shell: string): string {
  return execFileSync(process.execPath, [MAIN, 'completion', shell], { encoding: 'utf8' });
}

for (const [shell, words] of Object.entries(SHELLS)) {
  const missing = spawnSync(shell, ['--version']).error && `no ${shell}: install it with the system's packages`;
  test(`${shell} offers commands, flags and values`, { skip: missing || false }, () => {
    const file = join(FOLDER, `completion.${shell}`);
    writeFileSync(file, completion(shell));
    const cases = { ...OFFERS, ...(shell === 'fish' ? {} : LISTS) };
    const output = execFileSync(shell, [...words, join(FIXTURES, `offers.${shell}`), file], {
      input: Object.keys(cases)
        .map((line) => `${line}\n`)
        .join(''),
      cwd: FOLDER,
      env: { PATH: process.env.PATH, HOME: FOLDER, TERM: 'xterm' },
      encoding: 'utf8',
      timeout: 60_000,
    });
    const sorted = (text: string) => [...new Set(text.replaceAll('/', '').split(' '))].sort().join(' ').trim();
    const offered = output.split('\n');
    for (const [index, [line, expected]] of Object.entries(cases).entries()) {
      assert.equal(sorted(offered[index] ?? 'nothing was printed'), sorted(expected), `${shell}: ${line}`);
    }
  });

  test(`the completion for ${shell} has every flag of the table, and none that does nothing`, () => {
    const text = completion(shell);
    for (const { spec } of PREFIXED_OPTIONS) {
      for (const flag of spec.flags) {
        // fish writes them without dashes.
        const found = new RegExp(`(--|-l )${flag.slice(2)}(?![\\w-])`).test(text);
        assert.equal(found, !spec.noEffect, flag);
      }
    }
  });
}

test('a reader that takes its time gets all of it', () => {
  const words = [process.execPath, MAIN, 'completion', 'fish'].join(' ');
  const slow = '{ dd bs=1 count=1 status=none; dd bs=1 count=1 status=none; cat; }';
  const got = execFileSync('sh', ['-c', `${words} | ${slow}`], { encoding: 'utf8' });
  assert.ok(got.length > 65_536);
  assert.equal(got, completion('fish'));
});

test('another shell is refused', () => {
  const { status, stderr } = spawnSync(process.execPath, [MAIN, 'completion', 'tcsh'], { encoding: 'utf8' });
  assert.equal(status, 2);
  assert.match(stderr, /^error: expected the name of a shell, bash, zsh, fish, got 'tcsh'$/m);
});
