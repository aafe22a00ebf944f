import assert from 'node:assert/strict';
import { existsSync, mkdirSync, mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { ask, coLauncher, READY, SIMULATED, sim } from '../helpers/co-launch.ts';
import { gone, Program } from '../launch/processes.ts';

const start = coLauncher(24_000);

/** A launch that only commands of its own test find. */
async function coLaunch(t: TestContext, args: readonly string[], place = mkdtempSync(join(tmpdir(), 'launches-'))) {
  const env = { TMPDIR: place };
  const launch = await start(t, args, env);
  const command = (...words: string[]) => {
    const program = new Program(process.execPath, [SIMULATED.FIXTURE_PROGRAM, ...words], { env });
    t.after(() => program.process.kill('SIGKILL'));
    return program;
  };
  /** Exit code and output of a command that ends by itself. */
  const run = async (...words: string[]) => {
    const program = command(...words);
    const [code] = await program.exited;
    return { code, output: program.output };
  };
  return { ...launch, env, command, run };
}

test('restart NAME restarts that server alone, and ends when it serves again', async (t) => {
  const { program, url, run } = await coLaunch(t, sim());
  await program.says(READY);
  const { code, output } = await run('restart', 'w1');
  assert.equal(code, 0);
  assert.match(output, /^rolling restart, 1 of 1: w1 .*\nrolling restart done: 1 server\n$/);
  const starts = (name: string) => program.output.match(new RegExp(` ${name} \\| .*\\] pid \\d+`, 'g'))?.length;
  assert.deepEqual([starts('w0'), starts('w1')], [1, 2]);
  assert.equal((await ask(url)).status, 200);
});

test('restart restarts all in turn; a second one meanwhile is refused', async (t) => {
  const { program, command, run } = await coLaunch(t, sim('--sim-startup-secs', '1'));
  await program.says(READY);
  const first = command('restart');
  await first.says(/1 of 2: w0 /);
  const second = await run('restart', 'w1');
  assert.equal(second.code, 1);
  assert.match(second.output, /^error: no rolling restart now: the servers are .*restarting already$/m);
  assert.deepEqual(await first.exited, [0, null]);
  assert.match(first.output, /2 of 2: w1 .*\n.*done: 2 servers/);
});

test('the only server is restarted with --force alone', async (t) => {
  const { program, run } = await coLaunch(t, sim('--dp-size', '1'));
  await program.says(READY);
  const refused = await run('restart', 'w0');
  assert.equal(refused.code, 1);
  assert.match(refused.output, /^error: no rolling restart of w0: no other server is ready$/m);
  assert.equal((await run('restart', 'w0', '--force')).code, 0);
  assert.equal(program.output.match(/\] pid \d+/g)?.length, 2);
});

test('a server that stays down comes back when it is named', async (t) => {
  const { program, url, run } = await coLaunch(t, sim('--router-worker-restarts', '0'));
  const [, ready = ''] = await program.says(READY);
  await fetch(`${JSON.parse(ready).workers[0]}/die`).catch(() => {});
  await program.says(/not started again; 1 of 2 servers go on/);
  assert.equal((await run('restart', 'w0')).code, 0);
  for (let count = 0; count < 4; count++) assert.equal((await ask(url)).status, 200);
});

test('what there is to restart, and when there is nothing', async (t) => {
  const { program, run } = await coLaunch(t, sim());
  await program.says(READY);
  const unknown = await run('restart', 'w7');
  assert.equal(unknown.code, 1);
  assert.match(unknown.output, /^error: there is no server w7; the servers are w0, w1$/m);
  program.process.kill('SIGTERM');
  await program.exited;
  const nobody = await run('restart');
  assert.equal(nobody.code, 2);
  assert.match(nobody.output, /^error: no launch runs\nhint: /m);
});

test('logs prints the last lines of a server, or of all with their names', async (t) => {
  const { program, run } = await coLaunch(t, sim());
  await program.says(READY);
  const one = await run('logs', 'w1', '-n', '1');
  assert.deepEqual(one, { code: 0, output: '[2026-11-21 08:15:43] The server is fired up and ready to roll!\n' });
  const all = await run('logs');
  assert.equal(all.output.match(/^w0 \| .*fired up/gm)?.length, 1);
  assert.equal(all.output.match(/^w1 \| .*fired up/gm)?.length, 1);
});

test('logs -f goes on with a server that is started again, and ends with the launch', async (t) => {
  const { program, command, run } = await coLaunch(t, sim());
  await program.says(READY);
  const logs = command('logs', 'w0', '--follow');
  await logs.says(/fired up/);
  await run('restart', 'w0');
  await logs.says(/started again\]\n(?:.*\n)*.*fired up/);
  program.process.kill('SIGTERM');
  await program.exited;
  assert.deepEqual(await logs.exited, [0, null]);
});

test('logs of a launch that was killed are still found', async (t) => {
  const { program, run } = await coLaunch(t, sim());
  await program.says(READY);
  program.process.kill('SIGKILL');
  await program.exited;
  await gone(...program.pids());
  const { code, output } = await run('logs', 'w0');
  assert.equal(code, 0);
  assert.match(output, /fired up/);
});

test('with two launches --pid says which', async (t) => {
  const { program, env, run } = await coLaunch(t, sim('--dp-size', '1'));
  await program.says(READY);
  const other = await start(t, sim('--dp-size', '1'), env);
  await other.program.says(READY);
  const asked = await run('logs');
  assert.equal(asked.code, 2);
  assert.match(asked.output, /^error: 2 launches run: .*\nhint: choose one with --pid PID$/m);
  for (const { pid } of [program, other.program]) assert.ok(asked.output.includes(`${pid} (http://`));
  assert.equal((await run('logs', '--pid', String(program.pid))).code, 0);
  const wrong = await run('logs', '--pid', '1');
  assert.match(wrong.output, /^error: --pid: no launch of this user has the process id 1$/m);
});

test('wrong flags end with exit code 2 and what there is', async (t) => {
  const { run } = await coLaunch(t, sim('--dp-size', '1'));
  const typo = await run('logs', '--folow');
  assert.deepEqual([typo.code, /^error: .*--follow/m.test(typo.output)], [2, true]);
  assert.equal((await run('logs', '-n', 'few')).code, 2);
  assert.match((await run('restart', '--help')).output, /^Usage: sglang-launch restart /);
});

test('without a temporary folder it serves all the same, and says what does not work', async (t) => {
  const place = mkdtempSync(join(tmpdir(), 'launches-'));
  const missing = join(place, 'missing');
  const { program } = await coLaunch(t, sim('--router-log-dir', place), missing);
  await program.says(READY);
  assert.match(program.output, /the commands logs, restart and doctor do not find this launch problem=.*ENOENT/);
  assert.ok(!existsSync(missing));
});

test('in a folder whose name is too long for a socket logs work, and restart is said not to', async (t) => {
  const place = join(mkdtempSync(join(tmpdir(), 'launches-')), 'long'.repeat(25));
  mkdirSync(place);
  const { program, run } = await coLaunch(t, sim(), place);
  await program.says(READY);
  assert.match(program.output, /the command restart does not reach this launch problem=.*EINVAL/);
  assert.match((await run('logs', 'w0')).output, /fired up/);
  const { code, output } = await run('restart', 'w0');
  assert.equal(code, 1);
  assert.match(output, new RegExp(`^error: the launch ${program.pid} does not answer: `, 'm'));
});
