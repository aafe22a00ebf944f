import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { readProcessTable } from '../../src/os/process-table.ts';
import { coLauncher, READY, SIMULATED } from '../helpers/co-launch.ts';
import { fakeGpus, pathWith } from '../helpers/fake-tools.ts';
import { FIXTURES } from '../launch/processes.ts';

const PYTHON = execFileSync('python3', ['-c', 'import sys; print(sys.executable)'], { encoding: 'utf8' }).trim();
const STUB = { SGLANG_ROUTER_PYTHON: PYTHON, PYTHONPATH: `${FIXTURES}python`, CUDA_VISIBLE_DEVICES: undefined };
const OURS = /^PYTHONUNBUFFERED=/;

const folder = mkdtempSync(join(tmpdir(), 'dry-run-'));
const config = join(folder, 'servers.yaml');
writeFileSync(config, 'model-path: tiny\ntp-size: 2\n');

/** What a user may write, and the tools of the machine. */
const LINES: readonly { readonly args: readonly string[]; readonly env: NodeJS.ProcessEnv }[] = [
  { args: ['--sim', '--dp-size', '2'], env: SIMULATED },
  { args: ['--sim', '--served-model-name', "it's a $MODEL", '--dp', '1', '--router-policy', 'random'], env: SIMULATED },
  { args: ['--sim', '--router-prefill-size', '1', '--router-decode-size', '2'], env: SIMULATED },
  {
    args: ['--model-path', 'tiny', '--tp', '2', '--dp-size=2', '--api-key', 'a-secret-key', '--max-total-tokens=4096'],
    env: { ...STUB, PATH: pathWith(fakeGpus(4)) },
  },
  { args: ['--model-path', 'tiny', '--dp-size', 'auto'], env: { ...STUB, PATH: pathWith(fakeGpus(3)) } },
  {
    args: ['--config', config, '--dp-size', 'auto', '--base-gpu-id', '1', '--gpu-id-step', '2'],
    env: { ...STUB, SGLANG_ROUTER_POLICY: 'round_robin', PATH: pathWith(fakeGpus(8)) },
  },
];

/** Each command of a dry run, read back by a shell: its variables and its words. */
function commandsIn(text: string): string[][] {
  const lines = Array.from(text.matchAll(/^ {2}(PYTHONUNBUFFERED=.*)$/gm), ([, line = '']) => line);
  return lines.map((line) => {
    const words = execFileSync('/bin/sh', ['-c', `printf '%s\\0' ${line}`], { encoding: 'utf8' });
    return words.split('\0').slice(0, -1);
  });
}

/** The same of the processes that a launcher has started. */
async function commandsOf(launcher: number): Promise<string[][]> {
  const children = (await readProcessTable())?.filter(({ parent }) => parent === launcher) ?? [];
  const wordsIn = (pid: number, file: string) => readFileSync(`/proc/${pid}/${file}`, 'utf8').split('\0').slice(0, -1);
  return children.map(({ pid }) => {
    const variables = wordsIn(pid, 'environ').filter((word) => OURS.test(word));
    return [...variables, ...wordsIn(pid, 'cmdline')];
  });
}

/** Starts of the one line, each on the ports of the other. */
function launcher(t: TestContext, basePort: number) {
  return (args: readonly string[], env: NodeJS.ProcessEnv) => coLauncher(basePort, [])(t, args, env);
}

/** Neither processes nor variables have an order, and keys are hidden in what is printed. */
function sorted(commands: readonly string[][]): string[] {
  const texts = commands.map((words) => {
    const variables = words.filter((word) => OURS.test(word)).sort();
    return JSON.stringify([...variables, ...words.slice(variables.length)]).replaceAll('a-secret-key', '***');
  });
  return texts.sort();
}

for (const [index, { args, env }] of LINES.entries()) {
  test(`what is printed is what is started: ${args.join(' ')}`, {
    skip: process.platform !== 'linux',
  }, async (t) => {
    const launch = launcher(t, 23_700 + 20 * index);
    const { program: dry } = await launch([...args, '--dry-run'], env);
    assert.deepEqual(await dry.exited, [0, null]);
    assert.doesNotMatch(dry.output, /READY|a-secret-key/);
    const printed = commandsIn(dry.output);
    const { program } = await launch(args, env);
    await program.says(READY);
    const started = await commandsOf(program.pid);
    assert.ok(started.length > 0);
    assert.deepEqual(sorted(printed), sorted(started));
  });
}

test('a port that is taken is passed over by the dry run too', async (t) => {
  const launch = launcher(t, 23_900);
  const thief = createServer().listen(23_902, '127.0.0.1');
  t.after(() => thief.close());
  await once(thief, 'listening');
  const { program } = await launch(['--sim', '--dp-size', '2', '--dry-run'], SIMULATED);
  assert.deepEqual(await program.exited, [0, null]);
  assert.match(program.output, /^w0 {2}http:\/\/127\.0\.0\.1:23901$/m);
  assert.match(program.output, /^w1 {2}http:\/\/127\.0\.0\.1:23903$/m);
});

test('each value with its origin, each flag with its reader', async (t) => {
  const { args, env } = LINES[5]!;
  const { program } = await launcher(t, 23_920)([...args, '--dry-run', '--mem-fraction-static', '0.8'], env);
  await program.exited;
  const [, router = '', own = '', servers = ''] =
    /^The router reads:\n(.*)^The launcher reads:\n(.*)^Every server gets:\n(.*)/ms.exec(program.output) ?? [];
  assert.match(router, /^ {2}--router-policy round_robin +environment: SGLANG_ROUTER_POLICY$/m);
  assert.match(router, /^ {2}--host 127\.0\.0\.1 +default$/m);
  assert.match(own, /^ {2}--tp-size 2 +server file: .*servers\.yaml, line 2; the servers get it too$/m);
  assert.match(own, /^ {2}--dp-size auto +command line$/m);
  assert.match(own, /^ {2}--base-gpu-id 1 +command line$/m);
  assert.match(servers, /^ {2}--mem-fraction-static 0\.8 +command line$/m);
  assert.doesNotMatch(servers, /--base-gpu-id 1 |--dp-size auto/);
  assert.match(program.output, /^GPUs {6}4 used, 8 there \(nvidia-smi\)$/m);
});

test('what would stop the start is found after the plan: too few GPUs, no sglang, a port that is taken', async (t) => {
  const refused = async (args: readonly string[], env: NodeJS.ProcessEnv) => {
    const { program } = await launcher(t, 23_940)(args, env);
    const [code] = await program.exited;
    assert.match(program.output, /^w0 /m);
    return { code, error: /^error: .*$/m.exec(program.output)?.[0] ?? '' };
  };
  const model = ['--model-path', 'tiny', '--dry-run'];
  const few = await refused([...model, '--dp-size', '3'], { ...STUB, PATH: pathWith(fakeGpus(2)) });
  assert.deepEqual(few, { code: 2, error: 'error: 3 servers need 3 GPUs, and there are 2 (nvidia-smi)' });
  const missing = await refused(model, { SGLANG_ROUTER_PYTHON: PYTHON });
  assert.equal(missing.code, 1);
  assert.match(missing.error, /^error: sglang is not installed for /);
  const thief = createServer().listen(0, '127.0.0.1');
  t.after(() => thief.close());
  await once(thief, 'listening');
  const { port } = thief.address() as { port: number };
  const taken = await refused(['--sim', '--dry-run', '--port', String(port)], SIMULATED);
  assert.equal(taken.code, 1);
  const message = new RegExp(`^error: cannot listen on 127\\.0\\.0\\.1:${port}: the port is in use by pid `);
  assert.match(taken.error, message);
});
