import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { once } from 'node:events';
import { cpSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { identityOf } from '../../src/os/process-identity.ts';
import { readProcessTable } from '../../src/os/process-table.ts';
import { coLauncher, READY, SIMULATED } from '../helpers/co-launch.ts';
import { fakeTools, nvidiaSmi } from '../helpers/fake-tools.ts';
import { safetensors } from '../helpers/safetensors.ts';
import { FIXTURES, gone, isAlive, Program } from '../launch/processes.ts';

const linux = { skip: process.platform !== 'linux' };
const NODE = dirname(process.execPath);
const PYTHON = execFileSync('python3', ['-c', 'import sys; print(sys.executable)'], { encoding: 'utf8' }).trim();
const coLaunch = coLauncher(25_000);

/** For the fake Python: the fixtures' sglang, and a torch that is built for CUDA 12.8. */
const PACKAGES = mkdtempSync(join(tmpdir(), 'packages-'));
cpSync(join(FIXTURES, 'python'), PACKAGES, { recursive: true });
mkdirSync(join(PACKAGES, 'torch'));
writeFileSync(join(PACKAGES, 'torch', '__init__.py'), 'raise SystemExit("imported")');
writeFileSync(
  join(PACKAGES, 'torch', 'version.py'),
  "__version__ = '2.9.1'\ncuda: Optional[str] = '12.8'\nhip = None\n",
);

interface Finding {
  readonly check: string;
  readonly verdict: string;
  readonly text: string;
  readonly hint?: string;
}

/** A machine on which everything is as it should be, in a folder of its own. */
function machine() {
  const place = mkdtempSync(join(tmpdir(), 'machine-'));
  const model = join(place, 'model');
  mkdirSync(model);
  writeFileSync(join(model, 'config.json'), '{}');
  writeFileSync(join(model, 'model.safetensors'), safetensors(1_000));
  const env: NodeJS.ProcessEnv = {
    // Where Node keeps what it has compiled: the doctor is started 30 times.
    NODE_COMPILE_CACHE: process.env.NODE_COMPILE_CACHE,
    PATH: `${fakeTools({ 'nvidia-smi': nvidiaSmi(2) })}:${NODE}:/usr/bin:/bin`,
    ...{ HOME: place, TMPDIR: place, SGLANG_ROUTER_PYTHON: PYTHON, PYTHONPATH: PACKAGES },
  };
  const args = ['--model-path', model, '--dp-size', '2', '--port', '25900', '--router-dp-worker-base-port', '25901'];
  return { place, model, env, args: [...args, '--router-prometheus-port', '25910'] };
}

/** The doctor as a process with that environment alone, behind a shell command where one is given. */
async function ask(t: TestContext, args: readonly string[], env: NodeJS.ProcessEnv, before = '') {
  const unset = Object.fromEntries(Object.keys(process.env).map((name) => [name, undefined]));
  const words = [
    '-c',
    `cd "$TMPDIR"; ${before}exec "$0" "$@"`,
    process.execPath,
    SIMULATED.FIXTURE_PROGRAM,
    'doctor',
    ...args,
  ];
  const program = new Program('/bin/sh', words, { env: { ...unset, ...env } });
  t.after(() => program.process.kill('SIGKILL'));
  const [code] = await program.exited;
  return { code, output: program.output };
}

/** Its findings: those that are not in order, and all of a check. */
async function diagnose(t: TestContext, args: readonly string[], env: NodeJS.ProcessEnv, before = '') {
  const { code, output } = await ask(t, ['--json', ...args], env, before);
  assert.match(output, /^\{/, output);
  const { ok, findings } = JSON.parse(output) as { ok: boolean; findings: readonly Finding[] };
  assert.equal(code, ok ? 0 : 1);
  const wrong = findings.filter(({ verdict }) => verdict !== 'ok');
  return { code, wrong, of: (check: string) => findings.filter((finding) => finding.check === check) };
}

/** That check alone finds a problem, and this is what it says. */
function oneProblem(wrong: readonly Finding[], check: string, text: RegExp, hint: RegExp): void {
  const problems = wrong.filter(({ verdict }) => verdict === 'problem');
  assert.deepEqual(
    problems.map((finding) => finding.check),
    [check],
    JSON.stringify(wrong),
  );
  assert.match(problems[0]?.text ?? '', text);
  assert.match(problems[0]?.hint ?? '', hint);
}

test('a machine in order: every version is told, nothing is wrong', linux, async (t) => {
  const { env, args } = machine();
  const { code, wrong, of } = await diagnose(t, args, env);
  assert.deepEqual([code, wrong], [0, []]);
  const text = (check: string) => of(check).map((finding) => finding.text);
  assert.ok(text('node')[0]?.startsWith(`${process.versions.node} (`));
  assert.match(text('python')[0] ?? '', /^3\.\d+\.\d+ \(.*, by SGLANG_ROUTER_PYTHON\)$/);
  assert.deepEqual(text('sglang'), ['of unknown version']);
  assert.deepEqual(text('torch'), ['of unknown version, built for CUDA 12.8']);
  assert.deepEqual(text('driver'), ['NVIDIA 570.86.15, for CUDA up to 12.8']);
  assert.deepEqual(text('gpus'), ['2 (nvidia-smi): 2 × NVIDIA H200 (151 GB)']);
  assert.match(text('model')[0] ?? '', /: 1 file of weights, 0\.0 GB$/);
  assert.deepEqual(text('ports'), ['127.0.0.1:25900 is free for the router', '25901-25902 are free for the servers']);
});

test('in words: a row for each finding with its hint, and the sum of it', linux, async (t) => {
  const { env, args } = machine();
  const { code, output } = await ask(t, args, { ...env, http_proxy: 'http://proxy:3128' });
  assert.equal(code, 1);
  assert.match(output, /^Node {8}ok {7}\d+\.\d+\.\d+ /m);
  assert.match(
    output,
    /^proxies {5}problem {2}http_proxy=http:\/\/proxy:3128 takes .*\n(?:.*\n)? {21}hint: export no_proxy=/m,
  );
  assert.match(output, /\n\n1 problem: a start fails or does not serve\n$/);
});

test(
  '1. the wrong Python: one that is not there, one that is too old, one where another has sglang',
  linux,
  async (t) => {
    const { env, args } = machine();
    const absent = await diagnose(t, args, { ...env, SGLANG_ROUTER_PYTHON: '/no/such/python' });
    const noProgram = /^\/no\/such\/python \(by SGLANG_ROUTER_PYTHON\) does not run: no such program$/;
    oneProblem(absent.wrong, 'python', noProgram, /SGLANG_ROUTER_PYTHON/);
    const facts = '{"executable": "/old/python3", "version": "3.8.10", "sglang": null, "torch": null}';
    const old = await diagnose(t, args, {
      ...env,
      SGLANG_ROUTER_PYTHON: join(fakeTools({ old: `echo '${facts}'` }), 'old'),
    });
    assert.match(old.of('python')[0]?.text ?? '', /^3\.8\.10 \(.*\): sglang needs 3\.10 or newer$/);

    const bare = join(fakeTools({ python: `exec env -u PYTHONPATH ${PYTHON} "$@"` }), 'python');
    const other = fakeTools({ python3: `exec ${PYTHON} "$@"` });
    const { wrong } = await diagnose(t, args, { ...env, SGLANG_ROUTER_PYTHON: bare, PATH: `${other}:${env.PATH}` });
    oneProblem(wrong, 'sglang', new RegExp(`^not installed for ${bare}$`), / has sglang: export SGLANG_ROUTER_PYTHON=/);
  },
);

test('2. no sglang anywhere', linux, async (t) => {
  const { env, args } = machine();
  const python = join(fakeTools({ python: `exec ${PYTHON} -I "$@"` }), 'python');
  const path = `${fakeTools({ 'nvidia-smi': nvidiaSmi(2), cat: 'exec /bin/cat "$@"' })}:${NODE}`;
  const { wrong } = await diagnose(t, args, { ...env, SGLANG_ROUTER_PYTHON: python, PATH: path });
  oneProblem(
    wrong,
    'sglang',
    /^not installed for /,
    /^install it there \(.* -m pip install sglang\), .* or try --sim$/,
  );
});

test('3. ports that are taken: the holder is named; those of servers are passed over', linux, async (t) => {
  const { env, args } = machine();
  const thieves = await Promise.all([25_900, 25_901, 25_910].map(listening));
  t.after(() => {
    for (const thief of thieves) thief.close();
  });
  const { wrong, of } = await diagnose(t, args, env);
  oneProblem(wrong, 'ports', new RegExp(`127\\.0\\.0\\.1:25900: the port is in use by pid ${process.pid} `), /--port/);
  const [metrics, servers] = of('ports').slice(1);
  assert.equal(metrics?.verdict, 'warning');
  assert.match(metrics?.text ?? '', /^metrics are on the main port alone: .*25910/);
  assert.match(servers?.text ?? '', new RegExp(`^25902-25903 are free .*; 25901 is held by pid ${process.pid} `));
});

test('4. a proxy that takes what goes to this machine itself', linux, async (t) => {
  const { env, args } = machine();
  const proxy = { http_proxy: 'http://me:password@proxy:3128' };
  const { wrong } = await diagnose(t, args, { ...env, ...proxy, no_proxy: 'example.org' });
  oneProblem(
    wrong,
    'proxies',
    /^http_proxy=http:\/\/\*\*\*@proxy:3128 takes what goes to 127\.0\.0\.1 and localhost too/,
    /^export no_proxy=example\.org,127\.0\.0\.1,localhost NO_PROXY=127\.0\.0\.1,localhost$/,
  );
});

test('5. ulimit -n 64', linux, async (t) => {
  const { env, args } = machine();
  const { wrong } = await diagnose(t, args, env, 'ulimit -n 64; ');
  oneProblem(wrong, 'open-files', /^64 may be open at once \(ulimit -n\), and 1024 are needed$/, /ulimit -Hn 65536/);
});

test('6. a full disk', { skip: process.platform !== 'linux' || process.getuid?.() !== 0 }, async (t) => {
  const { env, args, place } = machine();
  const disk = join(place, 'disk');
  mkdirSync(disk);
  try {
    execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=1m', 'tmpfs', disk], { stdio: 'pipe' });
  } catch {
    t.skip('this root may not mount');
    return;
  }
  t.after(() => void execFileSync('umount', [disk]));
  const { wrong } = await diagnose(t, [...args, '--router-log-dir', disk], env);
  oneProblem(
    wrong,
    'disk',
    new RegExp(`^${disk}: 1 MB free for the logs, at least 100 MB are needed$`),
    /--router-log-dir/,
  );
});

test(
  '7. leftovers of a launch that was killed with its guardians: found, named, ended; a launch that runs stays',
  linux,
  async (t) => {
    const { env, args } = machine();
    const stub = { ...env, PATH: `${env.PATH}:${process.env.PATH}`, CUDA_VISIBLE_DEVICES: undefined };
    const flags = ['--model-path', 'tiny', '--dp-size', '1'];
    const { program } = await coLaunch(t, flags, stub);
    await program.says(READY);
    const [, text = ''] = await program.says(/w0 \| scheduler pid (\d+)/);
    const scheduler = Number(text);
    assert.deepEqual((await diagnose(t, args, env)).wrong, []);
    // Stopped, so that it does not tidy up.
    process.kill(program.pid, 'SIGSTOP');
    for (const { pid } of (await readProcessTable())!.filter(({ parent }) => parent === program.pid))
      process.kill(pid, 'SIGKILL');
    process.kill(program.pid, 'SIGKILL');
    await program.exited;
    const alive = await coLaunch(t, flags, stub);
    await alive.program.says(READY);

    const { wrong } = await diagnose(t, args, env);
    oneProblem(
      wrong,
      'leftovers',
      new RegExp(`^\\d+ process(?:es)? of launches that are no more: .*pid ${scheduler} `),
      /--kill-leftovers/,
    );
    const { of } = await diagnose(t, ['--kill-leftovers', ...args], env);
    assert.match(of('kill-leftovers')[0]?.text ?? '', new RegExp(`^\\d+ process(?:es)? ended: .*pid ${scheduler} `));
    assert.match(of('leftovers')[0]?.text ?? '', new RegExp(`^none; 1 launch runs: pid ${alive.program.pid} `));
    await gone(scheduler);
    for (const pid of alive.program.pids()) assert.ok(isAlive(pid));
  },
);

test('a leftover that has written over its environment, as SGLang does, is known by its session', linux, async (t) => {
  const { env, args, place } = machine();
  // The leader of a session ends; one process of it has no environment any more, the other is somebody else's.
  const script = 'env -i /bin/sleep 600 & echo first $!; /bin/sleep 600 & echo second $!; read end';
  const leader = new Program('/bin/sh', ['-c', script], { detached: true });
  const [, first = ''] = await leader.says(/first (\d+)/);
  const [, second = ''] = await leader.says(/second (\d+)/);
  t.after(() =>
    [first, second].filter((pid) => isAlive(Number(pid))).map((pid) => process.kill(Number(pid), 'SIGKILL')),
  );
  const server = identityOf(leader.pid);
  const folder = join(place, `sglang-launches-${process.getuid?.()}`);
  mkdirSync(folder, { mode: 0o700 });
  const launch = {
    url: 'http://a',
    startedAt: '2026-01-01',
    logFolder: place,
    launcher: { ...server, pid: 1, started: 1 },
  };
  const servers = [{ name: 'w0', url: 'http://b', logPath: '/w0.log', process: server }];
  writeFileSync(join(folder, '1-1.json'), JSON.stringify({ ...launch, servers }));
  leader.process.stdin.end();
  await gone(leader.pid);

  const { wrong } = await diagnose(t, args, env);
  oneProblem(wrong, 'leftovers', new RegExp(`^1 process .*pid ${first} `), /--kill-leftovers/);
  await ask(t, ['--kill-leftovers', ...args], env);
  assert.deepEqual([isAlive(Number(first)), isAlive(Number(second))], [false, true]);
});

test('8. a model that cannot be read', linux, async (t) => {
  const { env, args, model, place } = machine();
  const weights = join(model, 'model.safetensors');
  rmSync(weights);
  symlinkSync(join(place, 'blob-that-is-gone'), weights);
  const dangling = await diagnose(t, args, env);
  const why = /model cannot be loaded: model\.safetensors cannot be read: there is no such file or folder$/;
  oneProblem(dangling.wrong, 'model', why, /check the files and who may read them/);
  rmSync(model, { recursive: true });
  const gone = await diagnose(t, args, env);
  oneProblem(gone.wrong, 'model', /model: there is no such file or folder$/, /check --model-path/);
});

test('a model of the hub: in its cache, to be downloaded, or neither', linux, async (t) => {
  const { env, args, model } = machine();
  const named = [...args, '--model-path', 'org/name'];
  const fresh = await diagnose(t, named, env);
  assert.match(fresh.of('model')[0]?.text ?? '', /^org\/name is neither .*: it is downloaded at the first start$/);
  assert.match(fresh.of('disk')[1]?.text ?? '', /free for models that are downloaded$/);
  const offline = await diagnose(t, named, { ...env, HF_HUB_OFFLINE: '1' });
  oneProblem(offline.wrong, 'model', /and HF_HUB_OFFLINE forbids to download it$/, /unset HF_HUB_OFFLINE/);
  const hub = join(env.HOME ?? '', '.cache/huggingface/hub/models--org--name');
  cpSync(model, join(hub, 'snapshots', 'abc'), { recursive: true });
  mkdirSync(join(hub, 'refs'));
  writeFileSync(join(hub, 'refs', 'main'), 'abc');
  const cached = await diagnose(t, named, { ...env, HF_HUB_OFFLINE: '1' });
  assert.match(cached.of('model')[0]?.text ?? '', /^org\/name \(.*snapshots\/abc\): 1 file of weights/);
});

test('9. Node 20 first in PATH', linux, async (t) => {
  const { env, args } = machine();
  const old = fakeTools({ node: 'echo v20.11.0' });
  const { code, wrong } = await diagnose(t, args, { ...env, PATH: `${old}:${env.PATH}` });
  // This program runs already, by another Node.
  assert.equal(code, 0);
  assert.deepEqual(
    wrong.map(({ check, verdict }) => [check, verdict]),
    [['node', 'warning']],
  );
  assert.equal(
    wrong[0]?.text,
    `the first node in PATH, ${old}/node, is Node 20.11.0: npx and npm's scripts take that one`,
  );
  assert.match(wrong[0]?.hint ?? '', /^put a Node 24 or newer first in PATH/);
});

test('10. no GPU: no tool, a driver that does not answer, fewer than are asked for', linux, async (t) => {
  const { env, args } = machine();
  const withTool = (script: string) => ({
    ...env,
    PATH: `${fakeTools({ 'nvidia-smi': script })}:${NODE}:/usr/bin:/bin`,
  });
  const none = await diagnose(t, args, { ...env, PATH: `${NODE}:/usr/bin:/bin` });
  oneProblem(none.wrong, 'gpus', /^no GPU: neither nvidia-smi nor rocm-smi lists one$/, /--sim/);
  const failing = await diagnose(
    t,
    args,
    withTool('echo "NVIDIA-SMI has failed because it could not talk to the driver"; exit 9'),
  );
  oneProblem(failing.wrong, 'driver', /^nvidia-smi fails: NVIDIA-SMI has failed because/, /--sim/);
  const few = await diagnose(t, args, withTool(nvidiaSmi(1)));
  oneProblem(few.wrong, 'gpus', /^2 servers need 2 GPUs, and there are 1 \(nvidia-smi\)$/, /at most 1 fit/);
  const old = await diagnose(t, args, withTool(nvidiaSmi(2, { driver: '470.10', cuda: '11.4' })));
  oneProblem(
    old.wrong,
    'driver',
    /^NVIDIA 470\.10, .*: too old for torch, which is built for CUDA 12\.8$/,
    /newer driver/,
  );
  const cpu = await diagnose(t, [...args, '--device', 'cpu'], { ...env, PATH: `${NODE}:/usr/bin:/bin` });
  assert.deepEqual(cpu.wrong, []);
});

test('a GPU that others hold: who, and how much', linux, async (t) => {
  const { env, args } = machine();
  const holders = [{ gpu: 1, pid: process.pid, memoryMiB: 70_000, name: 'python' }];
  const held = nvidiaSmi(2, { usedMiB: 70_400, holders });
  const { code, wrong } = await diagnose(t, args, { ...env, PATH: `${fakeTools({ 'nvidia-smi': held })}:${env.PATH}` });
  assert.equal(code, 0);
  assert.deepEqual(
    wrong.map(({ check, verdict }) => [check, verdict]),
    [
      ['gpus', 'warning'],
      ['gpus', 'warning'],
    ],
  );
  assert.match(wrong[0]?.text ?? '', /^GPU 0: 74 GB of 151 GB are held by processes that cannot be seen from here/);
  assert.match(
    wrong[1]?.text ?? '',
    new RegExp(`^GPU 1: 74 GB of 151 GB are held by pid ${process.pid} .* with 73 GB$`),
  );
});

test('simulated engines need none of it', linux, async (t) => {
  const { env } = machine();
  const bare = { ...env, PATH: '/nowhere', SGLANG_ROUTER_PYTHON: '/no/such/python' };
  const { wrong } = await diagnose(t, ['--sim', '--port', '25900', '--router-prometheus-port', '0'], bare);
  assert.deepEqual(wrong, []);
});

test('a wrong flag is told as a start tells it', async (t) => {
  const { code, output } = await ask(t, ['--dp-size', 'many'], machine().env);
  assert.equal(code, 2);
  assert.match(output, /^error: --dp-size: expected auto or a whole number/m);
});

async function listening(port: number) {
  const server = createServer().listen(port, '127.0.0.1');
  await once(server, 'listening');
  return server;
}
