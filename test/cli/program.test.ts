import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { WORKLOADS } from '../../src/bench/workloads/index.ts';
import { type ProgramName, runProgram } from '../../src/cli/program.ts';
import { ROUTER_OPTIONS } from '../../src/config/vocabulary.ts';
import { SIM_OPTIONS } from '../../src/sim/options.ts';

const MAIN = fileURLToPath(new URL('../../src/main.ts', import.meta.url));
const PRINT_IMPORTS = fileURLToPath(new URL('../fixtures/print-imports.ts', import.meta.url));

async function run(program: ProgramName, argv: readonly string[], env: NodeJS.ProcessEnv = {}, columns = 100) {
  const out: string[] = [];
  const err: string[] = [];
  const code = await runProgram(program, argv, {
    env,
    columns,
    out: (text) => void out.push(text),
    err: (text) => void err.push(text),
  });
  return { code, out: out.join(''), err: err.join('') };
}

function spawn(...argv: string[]) {
  return new Promise<{ code: number; out: string; err: string }>((resolve) => {
    const child = execFile(process.execPath, argv, (_error, out, err) =>
      resolve({ code: child.exitCode ?? -1, out, err }),
    );
  });
}

test('no arguments: how to start it, exit code 1', async () => {
  const launch = await run('sglang-launch', []);
  assert.deepEqual([launch.code, launch.out], [1, (await run('sglang-launch', ['--help'])).out]);
  const router = await run('sglang-router', []);
  assert.equal(router.code, 1);
  assert.match(router.out, /^Usage: sglang-router COMMAND/);
});

test('help lists the commands', async () => {
  for (const [program, ...words] of [
    ['sglang-launch', 'help'],
    ['sglang-router', '--help'],
  ] as const) {
    const { code, out } = await run(program, words);
    assert.equal(code, 0);
    for (const command of ['server', 'router', 'sim-engine', 'bench', 'doctor'])
      assert.match(out, new RegExp(`^ {2}${command} `, 'm'));
  }
});

test('--help says on one screen how to start it: three examples, ten flags, where the rest is', async () => {
  for (const [words, example] of [
    [['--help'], '  sglang-launch --model-path Qwen/Qwen3-8B --dp-size 4\n'],
    [['server', '--help'], '  sglang-launch --sim --dp-size 4\n'],
    [['router', '-h'], '  sglang-launch router --worker-urls http://10.0.0.1:30000 http://10.0.0.2:30000\n'],
  ] as const) {
    const { code, out } = await run('sglang-launch', words, {}, 80);
    assert.equal(code, 0);
    const lines = out.trimEnd().split('\n');
    assert.ok(lines.length < 24, `${lines.length} lines`);
    for (const line of lines) assert.ok(line.length <= 80, line);
    assert.ok(out.includes(example));
    assert.equal(lines.filter((line) => /^ {2}--/.test(line)).length, 11);
    assert.match(out, /^ {2}--help-all /m);
    assert.match(out, /^Commands: .*doctor, logs, restart/m);
  }
});

test('each line of an example can be pasted, however narrow the terminal', async () => {
  const { out } = await run(
    'sglang-launch',
    ['--help'],
    { SGLANG_ROUTER_PROG: 'python -m sglang_router.launch_server' },
    80,
  );
  const [, example = ''] = /:\n((?: {2}.*\n)+)/.exec(out) ?? [];
  const commands = example
    .replaceAll(/ \\\n +/g, ' ')
    .trim()
    .split(/\n +/);
  assert.deepEqual(
    commands.map((line) => line.replace('python -m sglang_router.launch_server ', '')),
    [
      '--model-path Qwen/Qwen3-8B --dp-size 4',
      '--model-path Qwen/Qwen3-32B --dp-size 2 --tp-size 2 --host 0.0.0.0',
      '--sim --dp-size 4',
    ],
  );
  for (const line of out.split('\n')) assert.ok(line.length <= 80, line);
});

test('the same form everywhere: usage, what it does, sections', async () => {
  for (const command of [
    'server',
    'router',
    'sim-engine',
    'bench',
    'doctor',
    'logs',
    'restart',
    'top',
    'ps',
    'config',
    'completion',
  ]) {
    for (const word of ['--help', '--help-all']) {
      const { code, out } = await run('sglang-router', [command, word]);
      assert.equal(code, 0);
      assert.match(
        out,
        new RegExp(`^Usage: sglang-router ${command} .*\\n\\n[A-Z][^]*\\n\\n[A-Z].*:\\n {2}\\S`),
        command,
      );
      assert.match(out, /^ {2}(?:--|-h, --help)/m, command);
    }
  }
  const sim = await run('sglang-launch', ['sim-engine', '--help']);
  for (const { flags } of Object.values(SIM_OPTIONS))
    assert.equal(sim.out.split(`\n  ${flags[0]}`).length > 1, true, flags[0]);
  const bench = await run('sglang-launch', ['bench', '--help']);
  for (const { name } of WORKLOADS) assert.match(bench.out, new RegExp(`^ {2}${name} `, 'm'));
});

test('--help and --version: exit code 0', async () => {
  assert.equal((await run('sglang-router', ['--help'])).code, 0);
  for (const words of [['--version'], ['-V'], ['version'], ['router', '--version'], ['--version-verbose']]) {
    const { code, out } = await run('sglang-router', words);
    assert.equal(code, 0);
    assert.match(out, /^sglang-router \d+\.\d+\.\d+ /);
  }
});

test('--help-all of the router lists every flag under its heading, with defaults', async () => {
  const { code, out } = await run('sglang-router', ['launch', '--help-all']);
  assert.equal(code, 0);
  for (const { spec } of ROUTER_OPTIONS) assert.ok(out.includes(spec.flags[0]), spec.flags[0]);
  assert.match(out, /^Core:$/m);
  assert.match(out, /--port N .*default: 30000/);
});

test('--help-all of the co-launch shows prefixed flags, and the name that the caller goes by', async () => {
  const { out } = await run('sglang-router', ['server', '--help-all'], { SGLANG_ROUTER_PROG: 'python -m some.module' });
  assert.match(out, /^Usage: python -m some\.module --model-path/);
  for (const flag of ['--router-policy', '--host', '--worker-urls', '--sim', '--dp-size'])
    assert.ok(out.includes(flag), flag);
  assert.doesNotMatch(out, /--router-host|--router-worker-urls/);
});

test('help fits the terminal where it can', async () => {
  const { out } = await run('sglang-launch', ['router', '--help-all']);
  for (const line of out.split('\n')) assert.ok(line.length <= 100, line);
});

test('a folder that takes no files ends every command at once, with the flag that names it', {
  skip: process.platform !== 'linux',
}, async () => {
  for (const [command, flag] of [
    ['router', '--log-dir'],
    ['server', '--router-log-dir'],
    ['bench', '--out'],
  ] as const) {
    const args = command === 'server' ? ['--sim', '--dp-size', '1'] : [];
    const { code, err } = await spawn(MAIN, command, ...args, flag, '/proc/nope/deeper');
    assert.equal(code, 2);
    assert.equal(err, `error: ${flag}: files cannot be written to /proc/nope/deeper: no folder can be made there\n`);
  }
});

test('help of a command loads neither router, launcher nor engine', async () => {
  for (const command of ['router', 'server']) {
    const { code, err } = await spawn('--import', PRINT_IMPORTS, MAIN, command, '--help');
    assert.equal(code, 0);
    assert.match(err, /src\/cli\/program\.ts/);
    assert.doesNotMatch(err, /src\/(router|http|launch|sim)|undici|execa/);
  }
});

test('YAML is loaded where a file is given, and nowhere else', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'program-'));
  const file = join(folder, 'router.yaml');
  writeFileSync(file, 'port: 4000\n');
  const imports = (...words: string[]) => spawn('--import', PRINT_IMPORTS, MAIN, 'config', 'router', ...words);
  assert.doesNotMatch((await imports()).err, /node_modules\/yaml/);
  assert.match((await imports('--config', file)).err, /node_modules\/yaml/);
});

test('an unknown command: the nearest one, and all there are; exit code 2', async () => {
  const { code, err } = await run('sglang-router', ['routr']);
  assert.equal(code, 2);
  assert.match(
    err,
    /^error: unknown command 'routr'; did you mean router\?\nhint: the commands are server, router, .*\n$/,
  );
  const flags = await run('sglang-router', ['--policy=random']);
  assert.equal(flags.code, 2);
  assert.match(flags.err, /^error: expected a command before the flags, got --policy\nhint: /);
});

test('usage errors go to standard error with a hint, exit code 2', async () => {
  const { code, out, err } = await run('sglang-router', ['launch', '--polcy', 'x']);
  assert.equal(code, 2);
  assert.equal(out, '');
  assert.equal(err, 'error: unknown flag --polcy; did you mean --policy?\nhint: --help-all lists all flags\n');
});

test('sglang-launch with flags alone is the co-launch', async () => {
  const { code, err } = await run('sglang-launch', ['--router-polcy', 'x']);
  assert.equal(code, 2);
  assert.match(err, /did you mean --router-policy\?/);
});

test('the exit code is that of the process', async () => {
  const { code, err } = await spawn(MAIN, 'router', '--port', 'x');
  assert.equal(code, 2);
  assert.equal(err, "error: --port: expected a whole number, got 'x'\n");
});
