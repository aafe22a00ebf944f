import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { peersFolder } from '../../src/bench/contenders.ts';
import { resolveServer } from '../../src/config/launch.ts';
import { resolveRouter } from '../../src/config/resolve.ts';
import { SMG_FLAGS } from '../../src/config/smg.ts';
import { ROUTER_OPTIONS } from '../../src/config/vocabulary.ts';

const FOLDER = peersFolder(process.env);
const OURS = new Set(ROUTER_OPTIONS.flatMap(({ spec }) => spec.flags));

/** The flags that a program's help names: those of its usage, and the aliases that head a description. */
function flagsOf(file: string, args: readonly string[]): string[] {
  const help = execFileSync(file, args, { encoding: 'utf8', maxBuffer: 2 ** 24, stdio: ['ignore', 'pipe', 'ignore'] });
  const usage = help.slice(0, help.search(/\n\s*\n/));
  const heads = [...help.matchAll(/^ {2}(?:-\w, )?(--.*?)(?: {2,}|$)/gm)].map(([, head]) => head);
  const named = [usage, ...heads].join(' ').matchAll(/--[a-z][a-z0-9-]*/g);
  return [...new Set([...named].map(([flag]) => flag))].filter((flag) => flag !== '--help');
}

const PEERS = [
  { name: 'sglang-router', file: 'sglang-router/bin/python', args: ['-m', 'sglang_router.launch_router', '--help'] },
  { name: 'smg', file: 'smg/bin/smg', args: ['launch', '--help'] },
];

for (const { name, file, args } of PEERS) {
  const path = join(FOLDER, file);
  const skip = !existsSync(path) && `scripts/install-peers ${name} brings it`;
  test(`every flag of ${name} is one here, or refused with what to do instead`, { skip }, () => {
    const flags = flagsOf(path, args);
    assert.ok(flags.length > 90, `${flags.length} flags`);
    const known = (flag: string) => OURS.has(flag) || (name === 'smg' && SMG_FLAGS.has(flag));
    assert.deepEqual(
      flags.filter((flag) => !known(flag)),
      [],
    );
    if (name !== 'smg') return;
    assert.deepEqual(
      [...SMG_FLAGS.keys()].filter((flag) => !flags.includes(flag)),
      [],
    );
  });
}

test('a flag of smg that is none here is refused with what to do instead, and none of ours is', async () => {
  assert.deepEqual(
    [...SMG_FLAGS.keys()].filter((flag) => OURS.has(flag)),
    [],
  );
  const refused = {
    code: 'usage',
    message: '--log-json is a flag of smg, and none here',
    hint: 'write --log-format json',
  };
  await assert.rejects(() => resolveRouter(['--log-json'], {}), refused);
  await assert.rejects(() => resolveServer(['--sim', '--router-log-json'], {}), {
    ...refused,
    message: /^--router-log-json is/,
  });
  const { config } = await resolveRouter(['--sticky-key-idle-secs', '5', '--spill-abs-threshold', '6'], {});
  assert.deepEqual([config.maxIdleMs, config.balanceAbsThreshold], [5_000, 6]);
});
