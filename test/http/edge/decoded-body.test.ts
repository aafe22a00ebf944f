import assert from 'node:assert/strict';
import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { test } from 'node:test';
import { promisify } from 'node:util';
import { gunzip, gzipSync } from 'node:zlib';
import { listen } from '../../../src/http/edge/http-server.ts';
import type { IncomingRequest } from '../../../src/http/edge/incoming-request.ts';
import { readBody } from '../../../src/http/edge/read-body.ts';
import { sendText } from '../../../src/http/respond.ts';
import { createLog } from '../../../src/observe/log/log.ts';
import { until } from '../../helpers/test-router.ts';

const DECODED_BYTES = 4 << 20;
const quiet = createLog('critical', () => {});

test('what bodies are decoded to counts as held: beyond the bound others wait, and go on when one is released or leaves', async (t) => {
  const decoded: { request: IncomingRequest; answer: () => void }[] = [];
  const failed: string[] = [];
  const server = await listen(
    '127.0.0.1',
    0,
    async (request, reply) => {
      try {
        const body = await readBody(request, { family: 'generate' }, DECODED_BYTES);
        assert.equal(body.length, DECODED_BYTES);
        decoded.push({ request, answer: () => sendText(reply, 200, 'done') });
      } catch (error) {
        failed.push((error as Error).name);
        request.release();
      }
    },
    { log: quiet, limits: { maxHeldBytes: DECODED_BYTES } },
  );
  t.after(() => server.close().closeAllConnections());
  const body = gzipSync(Buffer.alloc(DECODED_BYTES));
  const sockets: Socket[] = [];
  for (let at = 0; at < 6; at++) {
    const socket = connect(server.address().port, '127.0.0.1');
    await once(socket, 'connect');
    socket.resume();
    socket.write(`POST / HTTP/1.1\r\nhost: a\r\ncontent-encoding: gzip\r\ncontent-length: ${body.length}\r\n\r\n`);
    socket.write(body);
    sockets.push(socket);
  }
  await until(() => decoded.length > 0);
  sockets[5]?.destroy();
  await until(() => failed.length === 1);
  assert.deepEqual(failed, ['ClientGoneError']);
  for (let served = 0; served < 5; served++) {
    await until(() => decoded.length > served);
    // In that time the others would be decoded too.
    for (let at = 0; at < 6; at++) await promisify(gunzip)(body);
    assert.equal(decoded.length, served + 1);
    const { request, answer } = decoded[served] as (typeof decoded)[number];
    request.release();
    answer();
  }
});
