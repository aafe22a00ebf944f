import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { type TestContext, test } from 'node:test';
import { findLeftovers, killLeftovers } from '../../src/launch/leftovers.ts';
import { identityOf, pidSpaceOf } from '../../src/os/process-identity.ts';
import { gone, isAlive } from '../launch/processes.ts';

const linux = { skip: process.platform !== 'linux' };
const SPACE = pidSpaceOf('self');

/** A process that says it was started by that launcher. */
async function startedBy(t: TestContext, owner: string): Promise<ChildProcess & { pid: number }> {
  const child = spawn('/bin/sleep', ['600'], { env: { SGLANG_LAUNCHER: owner }, stdio: 'ignore' });
  t.after(() => child.kill('SIGKILL'));
  await once(child, 'spawn');
  return child as ChildProcess & { pid: number };
}

const isFound = async (pid: number) => (await findLeftovers(0))?.some((found) => found.pid === pid);

test('what a launcher started that is no more is a leftover; what one started that runs is none', linux, async (t) => {
  const { pid, started } = identityOf(process.pid)!;
  const lost = await startedBy(t, `${SPACE}/${pid}/${started - 1}`);
  const kept = await startedBy(t, `${SPACE}/${pid}/${started}`);
  assert.deepEqual([await isFound(lost.pid), await isFound(kept.pid)], [true, false]);
});

test(
  'a launcher of another container is not taken for one that ended, nor is what no launcher wrote',
  linux,
  async (t) => {
    for (const owner of ['pid:[1]/1/1', `${SPACE}/1`, 'nonsense', '']) {
      const { pid } = await startedBy(t, owner);
      assert.equal(await isFound(pid), false, owner);
    }
  },
);

test('killed is the process that was found, not a later one with its pid', linux, async (t) => {
  const { pid } = await startedBy(t, `${SPACE}/${process.pid}/1`);
  const found = identityOf(pid)!;
  assert.deepEqual(await killLeftovers([{ ...found, started: found.started - 1 }]), []);
  assert.ok(isAlive(pid));
  assert.deepEqual(await killLeftovers([found]), []);
  await gone(pid);
});
