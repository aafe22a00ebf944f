import assert from 'node:assert/strict';
import { test } from 'node:test';
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
