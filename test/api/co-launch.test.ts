import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { parseTraceRow } from '../../src/observe/traffic/trace-row.ts';
import { ask, coLauncher, READY, sim } from '../helpers/co-launch.ts';
import { answering, fakeWorker } from '../helpers/fake-worker.ts';

const coLaunch = coLauncher(22_200);

test('a launcher takes workers beside its servers, and gives its servers away', async (t) => {
  await using worker = await fakeWorker(answering('beside'));
  const { program, url } = await coLaunch(t, sim());
  const [, ready = ''] = await program.says(READY);
  const { workers: launched } = JSON.parse(ready) as { workers: string[] };
  const post = async (path: string) => (await fetch(url + path, { method: 'POST' })).text();
  assert.equal(await post(`/add_worker?url=${worker.url}`), `Successfully added worker: ${worker.url}`);
  for (const server of launched) {
    assert.equal(await post(`/remove_worker?url=${server}`), `Successfully removed worker: ${server}`);
  }
  assert.deepEqual(await (await fetch(`${url}/list_workers`)).json(), { urls: [worker.url] });
  assert.equal(await (await ask(url)).text(), 'beside');
});

test('a launcher records what comes, whole when it has ended', async (t) => {
  const path = join(mkdtempSync(join(tmpdir(), 'trace-')), 'trace.jsonl');
  const { program, url } = await coLaunch(t, sim('--router-record-trace', path));
  await program.says(READY);
  for (let count = 0; count < 3; count++) assert.equal((await ask(url)).status, 200);
  program.process.kill('SIGTERM');
  await program.exited;
  const rows = readFileSync(path, 'utf8').trimEnd().split('\n').map(parseTraceRow);
  assert.deepEqual(
    rows.map((row) => [row?.id, row?.status]),
    [
      [1, 200],
      [2, 200],
      [3, 200],
    ],
  );
});
