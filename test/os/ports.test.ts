import assert from 'node:assert/strict';
import { once } from 'node:events';
import { mkdtemp, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { execa } from 'execa';
import { Ports } from '../../src/os/ports.ts';

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

test('thousands of ports are found in one pass, and the event loop turns meanwhile', async () => {
  const rangeFile = join(await mkdtemp(join(tmpdir(), 'ports-')), 'range');
  await writeFile(rangeFile, '32000\t60999\n');
  const ports = await Ports.from(25_000, rangeFile);
  let turns = 0;
  const timer = setInterval(() => turns++, 1);
  const got = [];
  for (let count = 0; count < 300; count++) got.push(await ports.next());
  clearInterval(timer);
  assert.equal(new Set(got).size, 300);
  assert.deepEqual(
    got,
    got.toSorted((a, b) => a - b),
  );
  assert.ok(turns > 10, `${turns}`);
});

test('more ports than there can be are refused before the search', async () => {
  const rangeFile = join(await mkdtemp(join(tmpdir(), 'ports-')), 'range');
  await writeFile(rangeFile, '20203\t60999\n');
  const ports = await Ports.from(20_200, rangeFile);
  ports.require(3);
  assert.throws(() => ports.require(4), { exitCode: 2, message: /need 4 ports, and from 20200 to 20202 there are 3$/ });
});

test('a port that was given up by another program is found below those handed out', async (t) => {
  const rangeFile = join(await mkdtemp(join(tmpdir(), 'ports-')), 'range');
  await writeFile(rangeFile, '20265\t60999\n');
  const busy = createServer().listen(20_262, '127.0.0.1');
  t.after(() => busy.close());
  await once(busy, 'listening');
  const ports = await Ports.from(20_262, rangeFile);
  const got = [await ports.next(), await ports.next()];
  assert.ok(!got.includes(20_262));
  busy.close();
  await once(busy, 'close');
  assert.equal(await ports.next(), 20_262);
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
import { Ports } from ${JSON.stringify(new URL('../../src/os/ports.ts', import.meta.url).href)};
    console.log(await (await Ports.from(20_220)).next());`;
  const { stdout } = await execa(process.execPath, ['--input-type=module', '-e', script]);
  assert.ok(Number(stdout) > ours);
});
