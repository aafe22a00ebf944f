import assert from 'node:assert/strict';
import { chmod, mkdir, mkdtemp, readFile, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { test } from 'node:test';
import { installedPeers, RunningRouters } from '../../src/bench/contenders.ts';
import { ExitError } from '../../src/errors/errors.ts';

async function folderWith(...programs: string[]): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'peers-'));
  for (const program of programs) {
    await mkdir(dirname(join(folder, program)), { recursive: true });
    await writeFile(join(folder, program), '#!/bin/sh\necho "no such flag" >&2\nexit 3\n');
    await chmod(join(folder, program), 0o755);
  }
  return folder;
}

test('only what is installed takes part', async () => {
  const folder = await folderWith('smg/bin/smg', 'nginx/usr/sbin/nginx');
  const names = installedPeers({ BENCH_PEERS_DIR: folder, PATH: '' }).map(({ name }) => name);
  assert.deepEqual(names, ['smg 1.13.0', 'nginx least_conn']);
});

test('nginx is told of every worker', async () => {
  const folder = await folderWith('nginx/usr/sbin/nginx');
  const nginx = installedPeers({ BENCH_PEERS_DIR: folder, PATH: '' }).find(({ name }) => name.startsWith('nginx'));
  await nginx?.command({
    workers: ['http://127.0.0.1:11', 'http://127.0.0.1:12'],
    routers: [],
    ports: [99],
    scratch: folder,
  });
  const config = await readFile(join(folder, 'nginx.conf'), 'utf8');
  for (const part of ['server 127.0.0.1:11;', 'server 127.0.0.1:12;', 'least_conn;', 'listen 127.0.0.1:99 '])
    assert.ok(config.includes(part), part);
});

test('one that does not come up is an error with its own words', async () => {
  const folder = await folderWith('smg/bin/smg');
  const smg = installedPeers({ BENCH_PEERS_DIR: folder, PATH: '' }).find(({ name }) => name.startsWith('smg'));
  assert.ok(smg);
  await assert.rejects(
    RunningRouters.start(smg, 2, ['http://127.0.0.1:11']),
    (error) =>
      error instanceof ExitError && /smg 1\.13\.0 ended before it was ready:\n {2}no such flag/.test(error.message),
  );
});
