import assert from 'node:assert/strict';
import { once } from 'node:events';
import { connect, createServer, type Socket } from 'node:net';
import { test } from 'node:test';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { Worker } from 'node:worker_threads';
import { ExitError } from '../../../src/errors/errors.ts';
import { type AcceptorOptions, Acceptors, SPREADS_CONNECTIONS } from '../../../src/http/edge/acceptors.ts';

const CLIENTS = 64;

/** Connects so many clients in another thread, and says when all are connected to a port that nobody has accepted them at. */
const CONNECT = `
  const { connect } = require('node:net');
  const { port, clients, connected } = require('node:worker_threads').workerData;
  let left = clients;
  for (let i = 0; i < clients; i++) connect(port, '127.0.0.1', () => {
    if (--left > 0) return;
    Atomics.store(connected, 0, 1);
    Atomics.notify(connected, 0);
  }).on('error', () => {});
`;

const isPortInUse = (error: unknown) => error instanceof ExitError && error.code === 'port_in_use';

function options(fields: Partial<AcceptorOptions>): AcceptorOptions {
  return {
    ...{ sockets: 8, shared: false, most: 1_000, allowHalfOpen: true },
    ...{ accepted: () => {}, dropped: () => {}, failed: (error) => assert.fail(error) },
    ...fields,
  };
}

test('several clients that connect at once are taken in one turn of the event loop', {
  skip: !SPREADS_CONNECTIONS,
}, async () => {
  const sockets: Socket[] = [];
  const acceptors = await Acceptors.open('127.0.0.1', 0, options({ accepted: (socket) => sockets.push(socket) }));
  const connected = new Int32Array(new SharedArrayBuffer(4));
  const { port } = acceptors.address();
  const clients = new Worker(CONNECT, { eval: true, workerData: { port, clients: CLIENTS, connected } });
  await once(clients, 'online');
  Atomics.wait(connected, 0, 0);
  let turns = 0;
  for (; sockets.length < CLIENTS; turns++) await nextTurn();
  assert.ok(turns < CLIENTS / 2, `${CLIENTS} clients took ${turns} turns`);
  for (const socket of sockets) socket.destroy();
  acceptors.close();
  await clients.terminate();
});

test('a port is nobody else’s, whether that one has one socket there or several', async () => {
  const plain = createServer().listen(0, '127.0.0.1');
  await once(plain, 'listening');
  const several = await Acceptors.open('127.0.0.1', 0, options({}));
  for (const address of [plain.address(), several.address()]) {
    const { port } = address as { port: number };
    await assert.rejects(Acceptors.open('127.0.0.1', port, options({})), isPortInUse);
    await assert.rejects(Acceptors.open('127.0.0.1', port, options({ sockets: 1 })), isPortInUse);
  }
  plain.close();
  several.close();
});

test('a free port for several threads is nobody else’s before the first of them listens', {
  skip: !SPREADS_CONNECTIONS,
}, async () => {
  const { address, release } = await Acceptors.claim('127.0.0.1', 0);
  await assert.rejects(Acceptors.open('127.0.0.1', address.port, options({ sockets: 1 })), isPortInUse);
  const accepted: Socket[] = [];
  const shared = await Acceptors.open('127.0.0.1', address.port, {
    ...options({ sockets: 2, shared: true, accepted: (socket) => accepted.push(socket) }),
  });
  release();
  assert.equal(shared.address().port, address.port);
  const client = connect(address.port, '127.0.0.1');
  await once(client, 'connect');
  while (accepted.length === 0) await nextTurn();
  client.destroy();
  accepted[0]?.destroy();
  shared.close();
});

test('connections beyond the most are closed, over all sockets together', async () => {
  const accepted: Socket[] = [];
  let dropped = 0;
  const acceptors = await Acceptors.open('127.0.0.1', 0, {
    ...options({ most: 3, accepted: (socket) => accepted.push(socket) }),
    dropped: () => dropped++,
  });
  const { port } = acceptors.address();
  const clients = Array.from({ length: 9 }, () => connect(port, '127.0.0.1').on('error', () => {}));
  const gone = clients.map((client) => once(client.resume(), 'close'));
  const closed = new Set<Socket>();
  await new Promise<void>((resolve) => {
    for (const client of clients) client.on('close', () => closed.add(client).size === 6 && resolve());
  });
  assert.equal(accepted.length, 3);
  assert.equal(dropped, 6);
  for (const socket of accepted) socket.destroy();
  await Promise.all(gone);
  const another = connect(port, '127.0.0.1');
  await once(another, 'connect');
  while (accepted.length < 4) await nextTurn();
  another.destroy();
  accepted[3]?.destroy();
  acceptors.close();
});
