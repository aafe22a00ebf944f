import assert from 'node:assert/strict';
import { mkdir, mkdtemp, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { pathToFileURL } from 'node:url';
import { checkSglang, pythonFor, serverProcessPath, sglangEngine, simEngine } from '../../src/launch/engine.ts';
import { FIXTURES } from './processes.ts';

test('which Python runs the servers', () => {
  assert.equal(pythonFor({ SGLANG_ROUTER_PYTHON: '/a/python', VIRTUAL_ENV: '/v' }), '/a/python');
  assert.equal(pythonFor({ VIRTUAL_ENV: '/v', CONDA_PREFIX: '/c' }), '/v/bin/python');
  assert.equal(pythonFor({ CONDA_PREFIX: '/c' }), '/c/bin/python');
  assert.equal(pythonFor({ SGLANG_ROUTER_PYTHON: '' }), 'python3');
});

test('a Python without sglang is one clear line with what to do', async () => {
  await assert.rejects(sglangEngine({ SGLANG_ROUTER_PYTHON: 'python3' }), {
    code: 'sglang_missing',
    message: 'sglang is not installed for python3, which is to run the servers',
    hint: /python3 -m pip install sglang.*--sim/,
  });
});

test('a Python that is not there', async () => {
  await assert.rejects(checkSglang('/no/such/python'), { message: /\/no\/such\/python.*no such program/ });
});

test('sglang is found without being imported', async (t) => {
  const folder = await mkdtemp(join(tmpdir(), 'python-'));
  await mkdir(join(folder, 'sglang'));
  await writeFile(join(folder, 'sglang', '__init__.py'), 'raise SystemExit("imported")');
  t.after(() => {
    delete process.env.PYTHONPATH;
  });
  process.env.PYTHONPATH = folder;
  await checkSglang('python3');
  process.env.PYTHONPATH = `${FIXTURES}python`;
  const engine = await sglangEngine({});
  assert.deepEqual([engine.file, engine.leadingArgs.length], ['python3', 1]);
});

test('a folder that is merely called sglang is no package', async (t) => {
  const folder = await mkdtemp(join(tmpdir(), 'python-'));
  await mkdir(join(folder, 'sglang'));
  t.after(() => {
    delete process.env.PYTHONPATH;
  });
  process.env.PYTHONPATH = folder;
  await assert.rejects(checkSglang('python3'), { code: 'sglang_missing' });
});

test('server_process.py is found in a checkout and beside a bundle', async () => {
  assert.match(serverProcessPath(), /\/python\/sglang_router\/server_process\.py$/);
  const folder = await mkdtemp(join(tmpdir(), 'bundle-'));
  await mkdir(join(folder, '_js'));
  const bundle = pathToFileURL(join(folder, '_js', 'chunk.mjs')).href;
  assert.throws(() => serverProcessPath(bundle), { code: 'sglang_missing', message: new RegExp(folder) });
  await writeFile(join(folder, 'server_process.py'), '');
  assert.equal(serverProcessPath(bundle), join(folder, 'server_process.py'));
});

test('a simulated engine is this program with a command of its own', () => {
  const { file, leadingArgs, trailingArgs } = simEngine('/opt/main.mjs');
  assert.deepEqual(
    [file, ...leadingArgs, ...trailingArgs],
    [process.execPath, '/opt/main.mjs', 'sim-engine', '--exit-with-parent'],
  );
});
