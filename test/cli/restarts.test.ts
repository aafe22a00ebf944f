import assert from 'node:assert/strict';
import { once } from 'node:events';
import { mkdtempSync, readFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { ask, coLauncher, READY, SIMULATED, sim } from '../helpers/co-launch.ts';
import { gone, type Program } from '../launch/processes.ts';

const coLaunch = coLauncher(21_400);
/** For fixtures that tell their first start from later ones. */
const marks = () => ['--marks', mkdtempSync(join(tmpdir(), 'marks-'))];

async function workersOf(program: Program): Promise<string[]> {
  const [, json = ''] = await program.says(READY);
  return JSON.parse(json).workers;
}

/** The pid of a server's last start. */
function pidOf(program: Program, name: string): number {
  const pids = [...program.output.matchAll(new RegExp(` ${name} \\| .*\\] pid (\\d+)`, 'gm'))];
  return Number(pids.at(-1)?.[1]);
}

/** Resolves when the log has said so often that the server is back. */
function backTimes(program: Program, name: string, times: number): Promise<RegExpExecArray> {
  return program.says(new RegExp(`(?:${name} is back: .*){${times}}`, 's'));
}

test('(19) a server that is killed is taken out, started again on its port, and serves again', async (t) => {
  const { program, url } = await coLaunch(t, sim());
  const [first = ''] = await workersOf(program);
  const killed = pidOf(program, 'w0');
  process.kill(killed, 'SIGKILL');
  const [line, log = ''] = await program.says(
    /^.*w0 \S+ died: .*killed by SIGKILL.*; restart 1 of 5 in 1 s.*: (\S+)$/m,
  );
  assert.match(line, /WARNING/);
  for (let count = 0; count < 4; count++) assert.equal((await ask(url)).status, 200);
  await backTimes(program, 'w0', 1);
  assert.notEqual(pidOf(program, 'w0'), killed);
  assert.equal((await fetch(first)).status, 200);
  assert.match(
    readFileSync(log, 'utf8'),
    new RegExp(`pid ${killed} .*started again.*pid ${pidOf(program, 'w0')}`, 's'),
  );
  program.process.kill('SIGTERM');
  assert.deepEqual(await program.exited, [0, null]);
  await gone(...program.pids());
});

test('a server that ends as if it were done is started again as well', async (t) => {
  const { program } = await coLaunch(t, sim());
  const [first = ''] = await workersOf(program);
  await fetch(`${first}/end`).catch(() => {});
  await program.says(/w0 \S+ died: .*\(exit code 0, .*; restart 1 of 5 in 1 s/);
  await backTimes(program, 'w0', 1);
});

test('a crash loop is said once with its cause and the others go on; without any the launch ends', async (t) => {
  const words = ['--behave', 'die-again', '--say', 'torch.OutOfMemoryError: CUDA out of memory.'];
  const { program, url } = await coLaunch(t, sim('--router-worker-restarts', '1', ...marks(), ...words));
  const [first, second] = await workersOf(program);
  await fetch(`${first}/die`).catch(() => {});
  await program.says(/restart 1 of 1 in 1 s/);
  await program.says(/ERROR .*w0 \S+ did not start: out of GPU memory at start-up/);
  await program.says(/whole log: \S+w0\.log\n {2}hint: .*\n {2}it is not started again; 1 of 2 servers go on/);
  for (let count = 0; count < 4; count++) assert.equal((await ask(url)).status, 200);
  await fetch(`${second}/die`).catch(() => {});
  assert.deepEqual(await program.exited, [1, null]);
  assert.match(program.output, /^error: w1 \S+ did not start: out of GPU memory/m);
  await gone(...program.pids());
});

test('requests that end every engine end neither the launch nor more than two engines each', async (t) => {
  const flags = ['--dp-size', '2', '--router-worker-restarts', '1', '--sim-die-on-request', '1'];
  const { program, url } = await coLaunch(t, sim(...flags), SIMULATED);
  await workersOf(program);
  for (let round = 1; round <= 2; round++) {
    const answer = await ask(url);
    assert.deepEqual([answer.status, answer.headers.get('x-smg-error-code')], [502, 'worker_died']);
    for (const name of ['w0', 'w1']) await backTimes(program, name, round);
  }
  assert.match(program.output, /w0 \S+ died: .*; restart 1 of 1 in 2 s/);
  assert.equal(program.process.exitCode, null);
  assert.equal((await fetch(`${url}/readiness`)).status, 200);
});

test('a server that hangs when it is started again is started once more', async (t) => {
  const flags = ['--router-worker-startup-timeout-secs', '4', ...marks(), '--behave', 'hang-again@0'];
  const { program, url } = await coLaunch(t, sim(...flags));
  const [first = ''] = await workersOf(program);
  await fetch(`${first}/die`).catch(() => {});
  await program.says(/w0 \S+ did not start: not ready within 4\.0 s, .*; restart 2 of 5 in 2 s/);
  assert.equal((await ask(url)).status, 200);
  assert.equal((await fetch(`${url}/readiness`)).status, 200);
});

test('a port that was taken meanwhile: another one, and requests follow', async (t) => {
  const { program, url } = await coLaunch(t, sim());
  const [first = '', second = ''] = await workersOf(program);
  await fetch(`${first}/die`).catch(() => {});
  await program.says(/restart 1 of 5 in 1 s/);
  const thief = createServer((socket) => socket.destroy()).listen(Number(new URL(first).port), '127.0.0.1');
  t.after(() => thief.close());
  await once(thief, 'listening');
  const [, now = ''] = await program.says(/another program took the port.* lost=\S+ now=(\S+)/);
  assert.notEqual(now, first);
  await backTimes(program, 'w0', 1);
  await fetch(`${second}/die`).catch(() => {});
  assert.equal((await ask(url)).status, 200);
});

test('the launch ends while a restart is planned: nothing is started any more, nothing stays', async (t) => {
  const { program } = await coLaunch(t, sim('--behave', 'grandchild'));
  const [first = ''] = await workersOf(program);
  await fetch(`${first}/die`).catch(() => {});
  await program.says(/restart 1 of 5 in 1 s/);
  program.process.kill('SIGTERM');
  assert.deepEqual(await program.exited, [0, null]);
  assert.equal(program.pids().length, 4);
  await gone(...program.pids());
});

test('the launch ends while a server is being started again: it goes too', async (t) => {
  const { program } = await coLaunch(t, sim(...marks(), '--behave', 'grandchild,hang-again'));
  const [first = ''] = await workersOf(program);
  await fetch(`${first}/die`).catch(() => {});
  await program.says(/restart 1 of 5.*w0 \| .*half way/s);
  program.process.kill('SIGINT');
  assert.deepEqual(await program.exited, [0, null]);
  assert.equal(program.pids().length, 6);
  await gone(...program.pids());
});

test('SIGUSR2 restarts one server after the other; what runs is finished, what comes is served', async (t) => {
  const { program, url } = await coLaunch(t, sim(), SIMULATED);
  await workersOf(program);
  const running = Array.from({ length: 4 }, () => stream(url));
  const starts = await Promise.all(running.map(({ begun }) => begun));
  assert.equal(starts.length, 4);
  program.process.kill('SIGUSR2');
  await program.says(/rolling restart, 1 of 2: w0 /);
  for (const { whole } of running) assert.match(await whole, /\[DONE\]\s*$/);
  let over = false;
  const done = program.says(/rolling restart done: 2 servers/).then(() => {
    over = true;
  });
  while (!over) assert.equal((await ask(url)).status, 200);
  await done;
  const order = program.output.matchAll(/rolling restart, \d of 2: w\d|w\d is back: 2 of 2/g);
  assert.deepEqual(
    Array.from(order, ([text]) => text),
    ['rolling restart, 1 of 2: w0', 'w0 is back: 2 of 2', 'rolling restart, 2 of 2: w1', 'w1 is back: 2 of 2'],
  );
});

test('SIGUSR2 with one server, or while one is under way, changes nothing', async (t) => {
  const { program, url } = await coLaunch(t, sim('--dp-size', '1'));
  await workersOf(program);
  program.process.kill('SIGUSR2');
  await program.says(/ERROR .*no rolling restart of w0: no other server is ready/);
  assert.equal((await ask(url)).status, 200);
  assert.equal(program.pids().length, 1);
});

test('a rolling restart ends at a server that does not come back', async (t) => {
  const flags = ['--router-worker-restarts', '0', ...marks(), '--behave', 'die-again', '--say', 'broken'];
  const { program, url } = await coLaunch(t, sim(...flags));
  await workersOf(program);
  program.process.kill('SIGUSR2');
  await program.says(/the rolling restart ends here: w0 did not come back/);
  assert.equal((await ask(url)).status, 200);
  assert.equal(new Set(program.pids()).size, 3);
});

/** A streamed answer of some 50 tokens: resolves when it has begun, and with all of it. */
function stream(url: string): { begun: Promise<void>; whole: Promise<string> } {
  const body = JSON.stringify({ text: 'hello', stream: true, sampling_params: { max_new_tokens: 50 } });
  const answer = fetch(`${url}/generate`, { method: 'POST', body });
  return { begun: answer.then(() => {}), whole: answer.then((response) => response.text()) };
}
