import assert from 'node:assert/strict';
import { createHash, randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { type TestContext, test } from 'node:test';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { freeBytes } from '../../../src/http/edge/body-memory.ts';
import { type Handler, listen } from '../../../src/http/edge/http-server.ts';
import { sendText } from '../../../src/http/respond.ts';
import { createLog } from '../../../src/observe/log/log.ts';

const UPLOAD_BYTES = 48 << 20;
/** What the kernel holds of a connection, and what a body's first pieces take. */
const MOST_BYTES = 8 << 20;
const quiet = createLog('critical', () => {});

async function connected(t: TestContext, handler: Handler): Promise<Socket> {
  const server = await listen('127.0.0.1', 0, handler, { log: quiet });
  t.after(() => server.close().closeAllConnections());
  const socket = connect(server.address().port, '127.0.0.1');
  await once(socket, 'connect');
  return socket;
}

/** Sends so many bytes in one buffer of the sender's, and returns how much the memory of all buffers grew meanwhile. */
async function send(socket: Socket, bytes: number): Promise<number> {
  const piece = Buffer.alloc(1 << 20, 'x');
  const before = process.memoryUsage().arrayBuffers;
  let most = before;
  for (let sent = 0; sent < bytes; sent += piece.length) {
    let isSent = false;
    socket.write(piece, () => {
      isSent = true;
    });
    while (!isSent) {
      await nextTurn();
      most = Math.max(most, process.memoryUsage().arrayBuffers);
    }
  }
  return most - before;
}

test('an upload that nobody wants takes no memory', async (t) => {
  const socket = await connected(t, (_, reply) => sendText(reply, 429, 'full'));
  socket.write(`POST / HTTP/1.1\r\nhost: a\r\ncontent-length: ${UPLOAD_BYTES}\r\n\r\n`);
  await once(socket, 'data');
  const grown = await send(socket, UPLOAD_BYTES);
  assert.ok(grown < MOST_BYTES, `${grown} bytes more while ${UPLOAD_BYTES} were dropped`);
  socket.destroy();
});

test('a body takes its own length once, and nothing for the pieces in which it comes', async (t) => {
  const read = Promise.withResolvers<Buffer>();
  const socket = await connected(t, (request) => request.body(UPLOAD_BYTES).then(read.resolve, read.reject));
  socket.write(`POST / HTTP/1.1\r\nhost: a\r\ncontent-length: ${UPLOAD_BYTES}\r\n\r\n`);
  const grown = await send(socket, UPLOAD_BYTES);
  assert.ok(grown < UPLOAD_BYTES + MOST_BYTES, `${grown} bytes more for a body of ${UPLOAD_BYTES}`);
  assert.equal((await read.promise).length, UPLOAD_BYTES);
  socket.destroy();
});

test('a body that comes byte by byte takes no buffer for each', async (t) => {
  const read = Promise.withResolvers<Buffer>();
  const socket = await connected(t, (request) => request.body(UPLOAD_BYTES).then(read.resolve, read.reject));
  socket.write('POST / HTTP/1.1\r\nhost: a\r\ntransfer-encoding: chunked\r\n\r\n');
  const chunks = Buffer.from('1\r\nx\r\n'.repeat(100_000));
  const before = process.memoryUsage().heapUsed;
  let most = before;
  for (let sent = 0; sent < 1_000_000; sent += 100_000) {
    if (!socket.write(chunks)) await once(socket, 'drain');
    most = Math.max(most, process.memoryUsage().heapUsed);
  }
  socket.write('0\r\n\r\n');
  assert.equal((await read.promise).length, 1_000_000);
  assert.ok(most - before < 48 << 20, `${most - before} bytes more for a million of them`);
  socket.destroy();
});

for (const [name, framed] of [
  ['with a length', (body: Buffer) => [`content-length: ${body.length}\r\n\r\n`, body]],
  ['in chunks', (body: Buffer) => ['transfer-encoding: chunked\r\n\r\n', ...chunked(body)]],
] as const) {
  test(`a body ${name} is read as it was sent, in however many pieces, asked for early or late`, async (t) => {
    const asks: (() => void)[] = [];
    let isLate = false;
    const socket = await connected(t, async (request, reply) => {
      if (isLate) await new Promise<void>((resolve) => void asks.push(resolve));
      sendText(
        reply,
        200,
        createHash('sha256')
          .update(await request.body(1e9))
          .digest('hex'),
      );
    });
    let received = '';
    socket.setEncoding('latin1').on('data', (text: string) => {
      received += text;
    });
    for (const late of [false, true]) {
      for (const bytes of [1, 20_000, 70_000, 3_000_000]) {
        isLate = late;
        received = '';
        const body = randomBytes(bytes);
        const [head, ...rest] = framed(body);
        socket.write(`POST / HTTP/1.1\r\nhost: a\r\n${head}`);
        for (const piece of rest) socket.write(piece);
        while (late && asks.length === 0) await nextTurn();
        asks.pop()?.();
        const sum = createHash('sha256').update(body).digest('hex');
        while (!received.includes('\r\n\r\n') || !received.endsWith(sum)) {
          assert.ok(received.length < 2_000, received);
          await nextTurn();
        }
      }
    }
    socket.destroy();
  });
}

function* chunked(body: Buffer): Generator<Buffer | string> {
  for (let at = 0; at < body.length; at += 65_536) {
    const piece = body.subarray(at, at + 65_536);
    yield `${piece.length.toString(16)}\r\n`;
    yield piece;
    yield '\r\n';
  }
  yield '0\r\n\r\n';
}

test('only memory that belongs to the bytes alone is freed', () => {
  const whole = Buffer.alloc(100_000);
  freeBytes(whole.subarray(0, 50_000));
  assert.equal(whole.length, 100_000);
  freeBytes(whole);
  assert.equal(whole.length, 0);
  freeBytes(whole);
  const shared = Buffer.from(new SharedArrayBuffer(100_000));
  freeBytes(shared);
  assert.equal(shared.length, 100_000);
});
