import assert from 'node:assert/strict';
import { once } from 'node:events';
import { connect } from 'node:net';
import { test } from 'node:test';
import { resolveRouter } from '../../src/config/resolve.ts';
import { createFront } from '../../src/data/create-front.ts';
import { listen } from '../../src/http/edge/http-server.ts';
import type { AssignedCall, CallEnd } from '../../src/link/assignment.ts';
import type { ScheduledRequest, Scheduling } from '../../src/link/scheduling.ts';
import { createLog } from '../../src/observe/log/log.ts';

test('a call that is assigned when the client has already left is never sent, and ends', async () => {
  const log = createLog('error', (line) => assert.fail(line));
  const asked = Promise.withResolvers<void>();
  const left = Promise.withResolvers<void>();
  const ended = Promise.withResolvers<CallEnd>();
  const over = Promise.withResolvers<void>();
  const target = { url: 'http://w', client: { dispatch: () => assert.fail('it was sent') } };
  const call = { target, choice: { policy: 'random', matchedBytes: 0 }, report: { ended: ended.resolve } };
  const scheduled: Partial<ScheduledRequest> = {
    id: 'one',
    assign: async () => {
      asked.resolve();
      await left.promise;
      return {
        ...{ retries: 0, deadlineMs: Number.POSITIVE_INFINITY, next: () => assert.fail('a single call') },
        calls: [call as unknown as AssignedCall],
      };
    },
    again: async () => undefined,
    clientLeft: left.resolve,
    leave: () => {},
    end: () => over.resolve(),
  };
  const scheduling: Scheduling = {
    ...{ closed: undefined, severalModels: false },
    begin: () => scheduled as ScheduledRequest,
  };
  const { config } = await resolveRouter(['--worker-urls', target.url], {});
  const front = createFront(config, { scheduling, log, ownAnswers: () => assert.fail('not the router’s own') });
  const server = await listen('127.0.0.1', 0, (request, reply) => front.serve(request, reply), { log });
  const client = connect(server.address().port, '127.0.0.1');
  await once(client, 'connect');
  client.write('POST /generate HTTP/1.1\r\nhost: x\r\ncontent-length: 2\r\n\r\n{}');
  await asked.promise;
  client.destroy();
  assert.deepEqual((await ended.promise).outcome, { kind: 'client_gone' });
  await over.promise;
  server.close();
});
