import assert from 'node:assert/strict';
import { connect, type Socket } from 'node:net';
import { test } from 'node:test';
import { fakeWorker } from '../helpers/fake-worker.ts';
import { testRouter, until } from '../helpers/test-router.ts';

const CHUNK = Buffer.alloc(64 * 1024, 'x');
const CHUNKS = 2_000;

for (const size of [CHUNK.length, 1_000]) {
  test(`a client that stops reading stops the worker; the whole answer comes once it reads on (${size} bytes a write)`, async () => {
    let written = 0;
    let stalled: Promise<unknown> = Promise.resolve();
    const chunk = CHUNK.subarray(0, size);
    const total = CHUNK.length * CHUNKS;
    await using worker = await fakeWorker(async (_, response) => {
      while (written < total) {
        written += chunk.length;
        if (!response.write(chunk)) {
          stalled = new Promise((resolve) => response.once('drain', resolve));
          await stalled;
        }
      }
      response.end();
    });
    await using router = await testRouter([worker.url]);
    const { port, hostname } = new URL(router.url);
    const client = connect(Number(port), hostname);
    client.pause();
    client.write('POST /generate HTTP/1.1\r\nhost: x\r\ncontent-length: 2\r\nconnection: close\r\n\r\n{}');
    // Kernel buffers take a few MB; then nobody may write any more.
    let before = -1;
    while (written !== before) {
      before = written;
      await new Promise((resolve) => setTimeout(resolve, 300));
    }
    assert.ok(written < total / 4, `${written} of ${total} bytes were taken although nobody read`);
    const received = await countToEnd(client);
    assert.ok(received > total, `${received} of more than ${total} bytes arrived`);
    await until(() => router.router.registry.workers[0]?.load === 0);
  });
}

function countToEnd(socket: Socket): Promise<number> {
  return new Promise((resolve, reject) => {
    let bytes = 0;
    socket.on('data', (data) => {
      bytes += data.length;
    });
    socket.on('end', () => resolve(bytes));
    socket.on('error', reject);
    socket.resume();
  });
}
