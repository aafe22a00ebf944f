import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { killTree, stopTree } from '../../src/os/kill-tree.ts';
import { ENGINE, gone, isAlive, Program } from '../launch/processes.ts';

async function started(t: TestContext, behaviour: string): Promise<Program> {
  const args = [ENGINE, '--behave', `hang,${behaviour}`, '--port', '1'];
  const program = new Program(process.execPath, args, { detached: true });
  t.after(() => Promise.all(program.pids().map((pid) => killTree({ pid }))));
  await program.says(/Load weight begin/);
  return program;
}

test('a server that ends on SIGTERM takes its children along', async (t) => {
  const program = await started(t, 'grandchild');
  const [, grandchild] = program.pids();
  assert.deepEqual(await stopTree(program, 20_000), []);
  assert.deepEqual(await program.exited, [null, 'SIGTERM']);
  assert.ok(!isAlive(grandchild!));
});

test('a server that ignores SIGTERM is killed after the grace, with its children', async (t) => {
  const program = await started(t, 'ignore-term,grandchild');
  assert.deepEqual(await stopTree(program, 200), []);
  assert.deepEqual(await program.exited, [null, 'SIGKILL']);
  assert.match(program.output, /not impressed/);
  assert.ok(program.pids().every((pid) => !isAlive(pid)));
});

test('what left the group is ended too', async (t) => {
  const program = await started(t, 'escape');
  await stopTree(program, 20_000);
  await gone(...program.pids());
});

test('no grace: the signals are sent when the call returns', async (t) => {
  const program = await started(t, 'ignore-term,grandchild,escape');
  const done = killTree(program);
  assert.deepEqual(await program.exited, [null, 'SIGKILL']);
  assert.deepEqual(await done, []);
  await gone(...program.pids());
});

test('a machine without ps', async (t) => {
  const { PATH } = process.env;
  const program = await started(t, 'ignore-term,grandchild,escape');
  t.after(() => {
    process.env.PATH = PATH;
  });
  process.env.PATH = '/nowhere';
  assert.deepEqual(await stopTree(program, 100), []);
  await gone(...program.pids());
});

test('a process that ended long ago is no error, and nothing else is hit', async (t) => {
  const [program, neighbour] = [await started(t, 'outlive'), await started(t, 'outlive')];
  program.process.kill('SIGKILL');
  await program.exited;
  assert.deepEqual(await stopTree(program, 20_000), []);
  assert.deepEqual(await killTree(program), []);
  assert.ok(isAlive(neighbour.pid));
});
