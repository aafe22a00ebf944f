import assert from 'node:assert/strict';
import { once } from 'node:events';
import { mkdtempSync, watch, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import getPort from 'get-port';
import { ask, coLauncher, READY, SIMULATED, sim } from '../helpers/co-launch.ts';
import { tlsFile } from '../helpers/tls.ts';
import { FIXTURES, gone, Program } from '../launch/processes.ts';

const coLaunch = coLauncher(20_600);

test('two servers come up behind one port; the plan and the ready line say where', async (t) => {
  const { program, url } = await coLaunch(t, sim());
  const [, ready = ''] = await program.says(READY);
  const { workers, ...rest } = JSON.parse(ready);
  assert.equal(rest.url, url);
  assert.equal(workers.length, 2);
  assert.match(program.output, new RegExp(` INFO {5}2 servers behind ${url} engine="simulated engines`));
  for (const [index, worker] of workers.entries()) {
    assert.ok(program.output.includes(` w${index} is started on ${worker.slice(7)}\n`));
  }
  assert.match(program.output, / INFO {5}w1 weights secs=[\d.]+$/m);
  assert.match(program.output, / INFO {5}w0 \| .*fired up and ready to roll!$/m);
  assert.match(program.output, new RegExp(` INFO {5}ready in [\\d.]+ s: 2 of 2 servers behind ${url} `));
  assert.equal((await ask(url)).status, 200);
  program.process.kill('SIGTERM');
  assert.deepEqual(await program.exited, [0, null]);
  await gone(...program.pids());
});

test('until the servers are up a request that does not wait gets 503 with the progress of each', async (t) => {
  const { program, url } = await coLaunch(t, sim('--router-queue-size', '0', '--behave', 'hang@1,grandchild'));
  await program.says(/w0 ready/);
  await program.says(/w1 \| .*half way/);
  const answer = await ask(url);
  assert.equal(answer.status, 503);
  assert.ok(Number(answer.headers.get('retry-after')) > 0);
  const { error } = (await answer.json()) as {
    error: { servers: { rank: number; phase: string; progress: number }[] };
  };
  assert.deepEqual(
    error.servers.map(({ rank, phase, progress }) => [rank, phase, progress]),
    [
      [0, 'ready', null],
      [1, 'weights', 0.5],
    ],
  );
  assert.equal((await fetch(`${url}/readiness`)).status, 503);
  program.process.kill('SIGINT');
  assert.deepEqual(await program.exited, [0, null]);
  await gone(...program.pids());
});

test('a request that comes before the servers are up waits for them', async (t) => {
  const { program, url } = await coLaunch(t, sim('--sim-startup-secs', '1'), SIMULATED);
  await program.says(/2 servers behind/);
  assert.equal((await ask(url)).status, 200);
});

test('with --router-serve-when first the first server is enough', async (t) => {
  const { program, url } = await coLaunch(t, sim('--router-serve-when', 'first', '--behave', 'hang@1'));
  await program.says(/ready in .*: 1 of 2 servers/);
  assert.equal((await ask(url)).status, 200);
});

test('a server that does not start ends the launch with cause, log and hint, and stops the others', async (t) => {
  const { program } = await coLaunch(
    t,
    sim('--behave', 'die@1,grandchild', '--say', 'RuntimeError: Found no NVIDIA driver'),
  );
  assert.deepEqual(await program.exited, [1, null]);
  // The log comes first: cause and hint are what a small terminal still shows.
  const last = program.output.trimEnd().split('\n').slice(-4);
  assert.match(last[0] ?? '', /^ {2}\| RuntimeError: Found no NVIDIA driver$/);
  assert.match(last[1] ?? '', /^ {2}whole log: \/.*w1\.log$/);
  assert.match(last[2] ?? '', /^error: w1 \(\S+\) did not start: no usable GPU: .*NVIDIA driver.* \(exit code 1, /);
  assert.match(last[3] ?? '', /^hint: .*nvidia-smi/);
  await gone(...program.pids());
});

test('servers that are not ready in time end the launch', async (t) => {
  const { program } = await coLaunch(t, sim('--router-worker-startup-timeout-secs', '2', '--behave', 'hang'));
  assert.deepEqual(await program.exited, [1, null]);
  assert.match(program.output, /^error: w\d \S+ did not start: not ready within 2\.0 s, last seen at: weights 50%$/m);
  await gone(...program.pids());
});

test('a port of the router that is taken shows before any server is started', async (t) => {
  const thief = createServer().listen(0, '127.0.0.1');
  t.after(() => thief.close());
  await once(thief, 'listening');
  const { port } = thief.address() as { port: number };
  const { program } = await coLaunch(t, sim('--port', String(port)));
  assert.deepEqual(await program.exited, [1, null]);
  assert.match(program.output, new RegExp(`error: .*${port}`));
  assert.deepEqual(
    program.pids().filter((pid) => pid !== process.pid),
    [],
  );
});

test('a server that may not be restarted is said when it dies, and the others go on; without any the launch ends', async (t) => {
  const { program, url } = await coLaunch(t, sim('--router-worker-restarts', '0'));
  const [, ready = ''] = await program.says(READY);
  const [first, second] = JSON.parse(ready).workers;
  await fetch(`${first}/die`).catch(() => {});
  await program.says(/w0 \S+ died: .*exit code 3/);
  await program.says(/not started again; 1 of 2 servers go on/);
  for (let count = 0; count < 4; count++) assert.equal((await ask(url)).status, 200);
  await fetch(`${second}/die`).catch(() => {});
  assert.deepEqual(await program.exited, [1, null]);
  assert.match(program.output, /^error: w1 \S+ died:/m);
});

test('a second signal ends at once, servers that ignore SIGTERM included', async (t) => {
  const { program } = await coLaunch(t, sim('--behave', 'ignore-term,grandchild'));
  await program.says(READY);
  program.process.kill('SIGTERM');
  await program.says(/not impressed/);
  program.process.kill('SIGINT');
  assert.deepEqual(await program.exited, [130, null]);
  await gone(...program.pids());
});

test('SIGKILL leaves no simulated engine', async (t) => {
  const { program } = await coLaunch(t, sim());
  await program.says(READY);
  program.process.kill('SIGKILL');
  await program.exited;
  await gone(...program.pids());
});

test('SIGKILL leaves no SGLang server and none of its processes', async (t) => {
  const env = { SGLANG_ROUTER_PYTHON: 'python3', PYTHONPATH: `${FIXTURES}python` };
  const { program } = await coLaunch(t, ['--model-path', 'tiny'], env);
  await program.says(READY);
  await program.says(/w0 \| scheduler pid/);
  await program.says(/w1 \| scheduler pid/);
  program.process.kill('SIGKILL');
  await program.exited;
  assert.equal(program.pids().length, 4);
  await gone(...program.pids());
});

test('servers with a certificate are spoken to over HTTPS', async (t) => {
  const env = { SGLANG_ROUTER_PYTHON: 'python3', PYTHONPATH: `${FIXTURES}python` };
  const certificate = ['--ssl-certfile', tlsFile('client.pem'), '--ssl-keyfile', tlsFile('client.key')];
  const { program, url } = await coLaunch(t, ['--model-path', 'tiny', ...certificate], env);
  const [, ready = ''] = await program.says(READY);
  for (const worker of JSON.parse(ready).workers) assert.match(worker, /^https:\/\/127\.0\.0\.1:\d+$/);
  assert.equal((await fetch(`${url}/anything`)).status, 200);
});

test('a machine without ps', async (t) => {
  const { program } = await coLaunch(t, sim('--behave', 'grandchild,escape'), { PATH: '/bin/nothing' });
  await program.says(READY);
  program.process.kill('SIGTERM');
  assert.deepEqual(await program.exited, [0, null]);
  await gone(...program.pids());
});

test('a Python without sglang is one clear line', async (t) => {
  const { program } = await coLaunch(t, ['--model-path', 'tiny'], { SGLANG_ROUTER_PYTHON: 'python3' });
  assert.deepEqual(await program.exited, [1, null]);
  assert.match(program.output, /^error: sglang is not installed for python3.*\nhint: .*--sim/m);
});

test('more servers than ports or GPUs end the command with exit code 2, before any of them starts', async (t) => {
  const many = await coLaunch(t, sim('--dp-size', '20', '--router-dp-worker-base-port', '65530'));
  assert.deepEqual(await many.program.exited, [2, null]);
  assert.match(many.program.output, /^error: the servers need 20 ports, and from 65530 to 65535 there are 6\nhint: /m);

  const bin = mkdtempSync(join(tmpdir(), 'bin-'));
  writeFileSync(join(bin, 'nvidia-smi'), '#!/bin/sh\necho "GPU 0: NVIDIA H200 (UUID: GPU-1)"\n', { mode: 0o755 });
  const env = {
    SGLANG_ROUTER_PYTHON: 'python3',
    PYTHONPATH: `${FIXTURES}python`,
    PATH: `${bin}:${process.env.PATH}`,
    CUDA_VISIBLE_DEVICES: undefined,
  };
  const two = await coLaunch(t, ['--model-path', 'tiny'], env);
  assert.deepEqual(await two.program.exited, [2, null]);
  assert.match(
    two.program.output,
    /^error: 2 servers need 2 GPUs, and there are 1 \(nvidia-smi\)\nhint: at most 1 fit/m,
  );
  const cpu = await coLaunch(t, ['--model-path', 'tiny', '--device', 'cpu'], env);
  await cpu.program.says(READY);
});

test('a signal ends the command at once while it is still looking at the machine', async (t) => {
  const bin = mkdtempSync(join(tmpdir(), 'bin-'));
  writeFileSync(join(bin, 'nvidia-smi'), `#!/bin/sh\necho asked > ${bin}/asked\nexec sleep 600\n`, { mode: 0o755 });
  const env = { SGLANG_ROUTER_PYTHON: 'python3', PYTHONPATH: `${FIXTURES}python`, PATH: `${bin}:${process.env.PATH}` };
  const watcher = watch(bin);
  const asked = once(watcher, 'change');
  const { program } = await coLaunch(t, ['--model-path', 'tiny'], env);
  await asked;
  watcher.close();
  program.process.kill('SIGTERM');
  assert.deepEqual(await program.exited, [0, null]);
});

test('a limit on open files ends the launch with its name rather than in silence', {
  skip: process.platform !== 'linux',
}, async (t) => {
  const { program } = await coLaunch(t, sim('--dp-size', '20'), { FIXTURE_FILES: '64' });
  assert.deepEqual(await program.exited, [1, null]);
  // Before the servers or over one of them: whichever file is one too many.
  assert.match(
    program.output,
    /^error: (?:w\d+ \(\S+\) did not start: no more files may be opened \(|no port for a server can be looked for: )/m,
  );
  assert.match(program.output, /^hint: .*`ulimit -n`/m);
});

test('whoever read the output may be gone: it is served on', async (t) => {
  const port = await getPort();
  const flags = [
    '--sim',
    '--dp-size',
    '1',
    '--port',
    String(port),
    '--router-dp-worker-base-port',
    '20990',
    '--router-prometheus-port',
    '0',
  ];
  const program = new Program(process.execPath, [SIMULATED.FIXTURE_PROGRAM, 'server', ...flags]);
  t.after(() => program.process.kill('SIGKILL'));
  await program.says(READY);
  program.process.stdout.destroy();
  program.process.stderr.destroy();
  for (let count = 0; count < 3; count++) assert.equal((await ask(`http://127.0.0.1:${port}`)).status, 200);
  program.process.kill('SIGTERM');
  assert.deepEqual(await program.exited, [0, null]);
});
