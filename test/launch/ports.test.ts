import assert from 'node:assert/strict';
import { once } from 'node:events';
import { mkdtemp, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { execa } from 'execa';
import { Ports } from '../../src/launch/ports.ts';

test('ports go upward from the base, past those in use, and are handed out once', async (t) => {
  const ports = await Ports.from(20_100);
  const first = await ports.next();
  const busy = createServer().listen(first + 1, '127.0.0.1');
  t.after(() => busy.close());
  await once(busy, 'listening');
  const second = await ports.next();
  assert.ok(first >= 20_100);
  assert.ok(second > first + 1);
});

test('they end below the range of client ports', async () => {
  const rangeFile = join(await mkdtemp(join(tmpdir(), 'ports-')), 'range');
  await writeFile(rangeFile, '20203\t60999\n');
  const ports = await Ports.from(20_200, rangeFile);
  const got = [await ports.next(), await ports.next(), await ports.next()];
  assert.ok(got.every((port) => port >= 20_200 && port < 20_203));
  await assert.rejects(ports.next(), { code: 'port_in_use', message: /20200 to 20202/ });
});

test('two launches never get the same port, whichever binds first', async () => {
  const ours = await (await Ports.from(20_220)).next();
  const script = `import { execa } from 'execa';
import { Ports } from ${JSON.stringify(new URL('../../src/launch/ports.ts', import.meta.url).href)};
    console.log(await (await Ports.from(20_220)).next());`;
  const { stdout } = await execa(process.execPath, ['--input-type=module', '-e', script]);
  assert.ok(Number(stdout) > ours);
});
