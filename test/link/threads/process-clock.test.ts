import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Worker } from 'node:worker_threads';
import { createRequestIds } from '../../../src/http/request-id.ts';
import type { ToScheduler } from '../../../src/link/threads/messages.ts';
import { fromProcessTime, inProcessTime } from '../../../src/link/threads/process-clock.ts';
import { RemoteScheduling } from '../../../src/link/threads/remote-scheduling.ts';

test('a request began when it did, whoever sets the clock of the system meanwhile', (t) => {
  const sent: ToScheduler[] = [];
  const send = (message: ToScheduler) => void sent.push(message);
  const scheduling = new RemoteScheduling(
    { send, sendSoon: send, sendBytes: send },
    {
      ...{ needs: 'nothing', requestIds: createRequestIds([]), gapBounds: [] },
      connect: () => assert.fail('nothing is sent'),
    },
  );
  const hourMs = 3_600_000;
  for (const jumpMs of [-hourMs, hourMs]) {
    t.mock.timers.enable({ apis: ['Date'], now: Date.now() + jumpMs });
    const beforeMs = performance.now();
    scheduling.begin({ method: 'GET', url: '/health', headers: {} }, true);
    const afterMs = performance.now();
    t.mock.timers.reset();
    const begin = sent.pop();
    assert.ok(begin?.kind === 'begin');
    const startedMs = fromProcessTime(begin.startedMs);
    assert.ok(startedMs > beforeMs - 1 && startedMs < afterMs + 1, `${startedMs} is not at ${beforeMs}`);
  }
});

test('two threads agree on what time it is', async () => {
  const code = `
    import { parentPort } from 'node:worker_threads';
    const { inProcessTime } = await import(${JSON.stringify(import.meta.resolve('../../../src/link/threads/process-clock.ts'))});
    parentPort.postMessage(inProcessTime(performance.now()));`;
  const beforeMs = inProcessTime(performance.now());
  const worker = new Worker(new URL(`data:text/javascript,${encodeURIComponent(code)}`));
  const { promise, resolve, reject } = Promise.withResolvers<number>();
  worker.once('message', resolve).once('error', reject);
  const thereMs = await promise;
  await worker.terminate();
  assert.ok(thereMs > beforeMs - 1 && thereMs < inProcessTime(performance.now()) + 1);
});
