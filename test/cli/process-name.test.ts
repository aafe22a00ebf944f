import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { readProcessTableAtOnce } from '../../src/os/process-table.ts';
import { coLauncher, READY, SIMULATED, sim } from '../helpers/co-launch.ts';
import { spawnRouter } from '../helpers/spawn-router.ts';

const coLaunch = coLauncher(23_500);
const onLinux = { skip: process.platform !== 'linux' };

const commOf = (pid?: number) => readFileSync(`/proc/${pid}/comm`, 'utf8').trim();
const commandLineOf = (pid?: number) => readFileSync(`/proc/${pid}/cmdline`, 'utf8').replace(/\0+$/, '');

test('a router has the name that scripts look for, and its flags without the keys', onLinux, async () => {
  const keys = ['--api-k=sk-of-clients', '--control-plane-api-keys', 'a:b:admin:sk-of-admins', 'c:d:user:sk-of-users'];
  await using router = await spawnRouter([...keys, '--policy', 'random', '--redis-url', 'redis://me:sk-of-redis@r']);
  const { pid } = router.child;
  assert.equal(commOf(pid), 'sglang::router');
  assert.match(
    commandLineOf(pid),
    /^sglang::router router --port \d+ .* --policy random --redis-url redis:\/\/\*\*\*@r$/,
  );
  assert.doesNotMatch(commandLineOf(pid), /sk-of/);
});

test('a launch has that name too, and its servers have not', onLinux, async (t) => {
  const { program } = await coLaunch(t, sim(), SIMULATED);
  await program.says(READY);
  assert.equal(commOf(program.pid), 'sglang::router');
  const servers = (readProcessTableAtOnce() ?? []).filter(({ parent }) => parent === program.pid);
  assert.equal(servers.length, 2);
  for (const { pid } of servers) assert.doesNotMatch(commOf(pid) + commandLineOf(pid), /sglang::/);
});
