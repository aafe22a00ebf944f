import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { serverProcessPath } from '../../src/launch/engine.ts';
import { killTree } from '../../src/os/kill-tree.ts';
import { readProcessTableAtOnce } from '../../src/os/process-table.ts';
import { FIXTURES, gone, isAlive, Program } from './processes.ts';

let port = 20_500;

/** The fake sglang of the fixtures, run as the launcher runs the real one; ready, with its scheduler. */
async function started(t: TestContext): Promise<{ program: Program; server: number; scheduler: number }> {
  const program = new Program('python3', [serverProcessPath(), '--port', String(port++)], {
    detached: true,
    env: { PYTHONPATH: `${FIXTURES}python`, PYTHONUNBUFFERED: '1' },
  });
  t.after(() => killTree(program));
  const [, server] = await program.says(/server pid (\d+)/);
  const [, scheduler] = await program.says(/scheduler pid (\d+)/);
  return { program, server: Number(server), scheduler: Number(scheduler) };
}

test('sglang runs as `python -m` runs it, with its processes in the group of the launcher', async (t) => {
  const { program, server, scheduler } = await started(t);
  assert.match(program.output, /scheduler pid \d+ main __mp_main__/);
  const groupOf = (pid: number) => readProcessTableAtOnce()?.find((entry) => entry.pid === pid)?.group;
  assert.deepEqual([groupOf(server), groupOf(scheduler)], [program.pid, program.pid]);
});

test('nothing is left when the launcher is gone', async (t) => {
  const { program, server, scheduler } = await started(t);
  program.process.stdin.destroy();
  await program.exited;
  await gone(program.pid, server, scheduler);
});

test('nothing is left when the server dies, and its end is passed on', async (t) => {
  const { program, server, scheduler } = await started(t);
  process.kill(server, 'SIGSEGV');
  assert.deepEqual(await program.exited, [null, 'SIGSEGV']);
  assert.ok(!isAlive(server) && !isAlive(scheduler));
});

test('nothing is left when the guardian is killed', async (t) => {
  const { program, server } = await started(t);
  program.process.kill('SIGKILL');
  await gone(server);
});

test('SIGTERM reaches the server', async (t) => {
  const { program, server, scheduler } = await started(t);
  program.process.kill('SIGTERM');
  assert.deepEqual(await program.exited, [null, 'SIGTERM']);
  assert.ok(!isAlive(server) && !isAlive(scheduler));
});

test('an exit code is passed on', async () => {
  const program = new Program('python3', [serverProcessPath(), '--port', 'x'], {
    env: { PYTHONPATH: `${FIXTURES}python` },
  });
  assert.deepEqual(await program.exited, [1, null]);
  assert.match(program.output, /ValueError/);
});
