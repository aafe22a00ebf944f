import assert from 'node:assert/strict';
import type { AddressInfo } from 'node:net';
import { test } from 'node:test';
import { listen } from '../../src/http/server.ts';

test('a port that is taken is refused with the name of its holder', async () => {
  const holder = await listen('127.0.0.1', 0, () => {});
  const { port } = holder.address() as AddressInfo;
  await assert.rejects(
    listen('127.0.0.1', port, () => {}),
    (error: Error & { code: string; hint: string }) => {
      assert.equal(error.code, 'port_in_use');
      assert.match(
        error.message,
        new RegExp(`cannot listen on 127.0.0.1:${port}: the port is in use by pid ${process.pid} `),
      );
      assert.match(error.hint, /--port/);
      return true;
    },
  );
  holder.close();
});

test('an address that is not ours is refused in words', async () => {
  await assert.rejects(
    listen('192.0.2.1', 0, () => {}),
    /192\.0\.2\.1:0: no network interface of this machine/,
  );
});
