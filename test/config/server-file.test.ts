import assert from 'node:assert/strict';
import { mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { resolveServer } from '../../src/config/launch.ts';

const FILE = join(mkdtempSync(join(tmpdir(), 'server-file-')), 'config.yaml');

function launchWith(text: string, ...argv: string[]) {
  writeFileSync(FILE, text);
  return resolveServer(['--config', FILE, ...argv], {});
}

test("the servers' file counts as their flags do, in every way it can be written", async () => {
  for (const text of ['dp-size: 4', 'dp_size: 4  # replicas', 'data-parallel-size: "4"', "dp: '4'\r\n"]) {
    assert.equal((await launchWith(`model-path: org/name\n${text}\n`)).launch.servers.regular, 4, text);
  }
});

test('it says which model, which GPUs, which key and where clients connect', async () => {
  const { launch, config } = await launchWith(
    'model_path: org/name\ntp-size: 2\nbase-gpu-id: 1\napi-key: secret\nport: 8000\nssl-certfile: a.pem\n',
  );
  assert.equal(launch.modelPath, 'org/name');
  assert.deepEqual({ ...launch.gpu }, { base: 1, step: 1, perServer: 2 });
  assert.equal(launch.serverApiKey, 'secret');
  assert.ok(launch.serverTls);
  assert.equal(config.port, 8_000);
});

test('a # begins a comment only after white space', async () => {
  for (const [text, key] of [
    ['abc#def', 'abc#def'],
    ['abc#def # its key', 'abc#def'],
    ['abc  # its key', 'abc'],
    ['a b#c  ', 'a b#c'],
  ]) {
    assert.equal((await launchWith(`model-path: m\napi-key: ${text}\n`)).launch.serverApiKey, key, text);
  }
});

test('the command line comes first, and the file reaches the servers by itself', async () => {
  const { launch } = await launchWith('dp-size: 4\nmodel-path: org/name\n', '--dp', '2', '--x');
  assert.equal(launch.servers.regular, 2);
  assert.deepEqual(launch.serverArgs, ['--config', FILE, '--x']);
});

test('what is no single value is left alone', async () => {
  const { launch } = await launchWith(
    'model-path: m\ncuda-graph-bs: [1, 2]\njson: {"dp-size": 3}\nx: |\n  dp-size: 5\nbool: true\n',
  );
  assert.equal(launch.servers.regular, 1);
});

test('a wrong value is refused with its place, gRPC and a missing file too', async () => {
  await assert.rejects(() => launchWith('model-path: m\ndp-size: many\n'), {
    code: 'usage',
    message: `dp-size in ${FILE}, line 2: expected auto or a whole number, got 'many'`,
  });
  await assert.rejects(() => launchWith('model-path: m\ngrpc_mode: true\n'), {
    code: 'usage',
    message: /^--grpc-mode:/,
  });
  await assert.rejects(() => launchWith('model-path: m\ngrpc-mode: True\n'), {
    code: 'usage',
    message: /^--grpc-mode:/,
  });
  assert.ok(await launchWith('model-path: m\ngrpc-mode: false\n'));
  await assert.rejects(() => resolveServer(['--config', '/no/such.yaml'], {}), {
    code: 'usage',
    message: /^--config \/no\/such.yaml: cannot read it: there is no such file/,
  });
});

test('what only the launcher understands is refused in the file, which the servers read too', async () => {
  await assert.rejects(() => launchWith('model-path: m\ndp-size: auto\n'), {
    code: 'usage',
    message: `dp-size in ${FILE}, line 2: expected a number, got auto, which the servers do not take`,
    hint: /--dp-size auto on the command line/,
  });
});

test('where the servers run is read from their flags before the file', async () => {
  const placeWith = async (text: string, ...argv: string[]) => {
    const { device, nodes } = (await launchWith(text, '--sim', ...argv)).launch;
    return { device, nodes };
  };
  assert.deepEqual(await placeWith(''), { device: 'cuda', nodes: 1 });
  assert.deepEqual(await placeWith('device: cpu\nnnodes: 2\n'), { device: 'cpu', nodes: 2 });
  assert.deepEqual(await placeWith('device: cpu\nnnodes: 2\n', '--dev=xpu'), { device: 'xpu', nodes: 2 });
  assert.deepEqual(await placeWith('', '--device', 'cpu', '--nn=2'), { device: 'cpu', nodes: 2 });
});
