import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { type ProgramName, runProgram } from '../../src/cli/program.ts';
import { ROUTER_OPTIONS } from '../../src/config/vocabulary.ts';

const MAIN = fileURLToPath(new URL('../../src/main.ts', import.meta.url));
const PRINT_IMPORTS = fileURLToPath(new URL('../fixtures/print-imports.ts', import.meta.url));

async function run(program: ProgramName, argv: readonly string[], env: NodeJS.ProcessEnv = {}) {
  const out: string[] = [];
  const err: string[] = [];
  const code = await runProgram(program, argv, {
    env,
    columns: 100,
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

test('no arguments: the commands, exit code 1', async () => {
  for (const program of ['sglang-launch', 'sglang-router'] as const) {
    const { code, out } = await run(program, []);
    assert.equal(code, 1);
    assert.match(out, new RegExp(`Usage: ${program} <command>`));
    for (const command of ['server', 'router', 'sim-engine', 'bench'])
      assert.match(out, new RegExp(`^ +${command} `, 'm'));
  }
});

test('--help and --version: exit code 0', async () => {
  assert.equal((await run('sglang-router', ['--help'])).code, 0);
  for (const words of [['--version'], ['-V'], ['version'], ['router', '--version'], ['--version-verbose']]) {
    const { code, out } = await run('sglang-router', words);
    assert.equal(code, 0);
    assert.match(out, /^sglang-router \d+\.\d+\.\d+ /);
  }
});

test('help of the router lists every flag under its heading, with defaults', async () => {
  const { code, out } = await run('sglang-router', ['launch', '--help']);
  assert.equal(code, 0);
  for (const { spec } of ROUTER_OPTIONS) assert.ok(out.includes(spec.flags[0]), spec.flags[0]);
  assert.match(out, /^Core:$/m);
  assert.match(out, /--port N .*default: 30000/);
});

test('help of the co-launch shows prefixed flags, and the name that the caller goes by', async () => {
  const { out } = await run('sglang-router', ['server', '--help'], { SGLANG_ROUTER_PROG: 'python -m some.module' });
  assert.match(out, /^Usage: python -m some\.module \(--model-path/);
  for (const flag of ['--router-policy', '--host', '--worker-urls', '--sim', '--dp-size'])
    assert.ok(out.includes(flag), flag);
  assert.doesNotMatch(out, /--router-host|--router-worker-urls/);
});

test('help fits the terminal where it can', async () => {
  const { out } = await run('sglang-launch', ['router', '--help']);
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
  assert.equal(err, 'error: unknown flag --polcy; did you mean --policy?\nhint: --help lists all flags\n');
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
