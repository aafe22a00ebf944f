import assert from 'node:assert/strict';
import { once } from 'node:events';
import { test } from 'node:test';
import { MessageChannel, type MessagePort } from 'node:worker_threads';
import { BatchPort } from '../../../src/link/threads/batch-port.ts';

/** Two ends of one channel; what one sends the other has in `got`, and `posted` counts how often it was woken. */
function pair(): {
  port: BatchPort<unknown, unknown>;
  got: unknown[];
  posted: () => number;
  far: MessagePort;
  near: MessagePort;
} {
  const { port1: near, port2: far } = new MessageChannel();
  const got: unknown[] = [];
  let posted = 0;
  far.on('message', () => posted++);
  new BatchPort<unknown, unknown>(far, (message) => got.push(message));
  return { port: new BatchPort(near, () => {}), got, posted: () => posted, far, near };
}

test('messages come in their order, those of one turn at once', async () => {
  const { port, got, posted, far, near } = pair();
  port.sendSoon({ number: 1 });
  port.send({ number: 2 });
  port.sendSoon({ number: 3, missing: undefined });
  await once(far, 'message');
  assert.deepEqual(got, [{ number: 1 }, { number: 2 }, { number: 3 }]);
  assert.equal(posted(), 1);
  near.close();
});

test('what nobody waits for is sent by itself when nothing follows', async () => {
  const { port, got, far, near } = pair();
  port.sendSoon({ number: 1 });
  await once(far, 'message');
  assert.deepEqual(got, [{ number: 1 }]);
  near.close();
});

test('bytes stay bytes, and come after what was sent before them', async () => {
  const { port, got, far, near } = pair();
  port.sendSoon({ number: 1 });
  port.sendBytes({ number: 2, bytes: new Uint8Array([0, 255]) });
  port.send({ number: 3 });
  while (got.length < 3) await once(far, 'message');
  assert.deepEqual(got, [{ number: 1 }, { number: 2, bytes: new Uint8Array([0, 255]) }, { number: 3 }]);
  near.close();
});
