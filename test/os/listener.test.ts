import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { type AddressInfo, createServer } from 'node:net';
import { type TestContext, test } from 'node:test';
import { groupListens } from '../../src/os/listener.ts';
import { readProcessTable } from '../../src/os/process-table.ts';

const ownGroup = (await readProcessTable())?.find(({ pid }) => pid === process.pid)?.group ?? 0;

async function listen(t: TestContext, host: string): Promise<number> {
  const server = createServer().listen(0, host);
  t.after(() => server.close());
  await once(server, 'listening');
  return (server.address() as AddressInfo).port;
}

test('who listens on a port', async (t) => {
  const port = await listen(t, '127.0.0.1');
  const stranger = spawn('/bin/sleep', ['60'], { detached: true });
  t.after(() => stranger.kill());
  await once(stranger, 'spawn');
  assert.equal(await groupListens(ownGroup, port), true);
  assert.equal(await groupListens(stranger.pid!, port), false);
});

test('nothing is said of a port that nobody listens on', async () => {
  assert.equal(await groupListens(ownGroup, 1), undefined);
});

test('an address of any kind counts', async (t) => {
  assert.equal(await groupListens(ownGroup, await listen(t, '::')), true);
});
