import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Questions } from '../../src/api/questions.ts';
import { fakeWorker } from '../helpers/fake-worker.ts';
import { testRouter } from '../helpers/test-router.ts';

test('questions that differ in their key are put to a worker a few at a time', async () => {
  let now = 0;
  let most = 0;
  const keys: string[] = [];
  await using worker = await fakeWorker((request, response) => {
    keys.push(request.headers.authorization ?? '');
    most = Math.max(most, ++now);
    setTimeout(() => {
      now--;
      response.end('x 1\n');
    }, 20);
  });
  await using router = await testRouter([worker.url], [], { dataThreads: 1 });
  const asked = Array.from({ length: 60 }, (_, i) => `Bearer ${i}`).map((authorization) =>
    fetch(`${router.url}/engine_metrics`, { headers: { authorization } }),
  );
  for (const { status } of await Promise.all(asked)) assert.equal(status, 200);
  assert.equal(keys.length, 60);
  assert.ok(most <= 4, `${most} at once`);
});

test('what asks beyond a hundred that wait is told to come again, and a failure makes room', async () => {
  const questions = new Questions();
  const { promise: held, reject } = Promise.withResolvers<string>();
  const asked = Array.from({ length: 104 }, (_, i) => questions.ask(`q${i}`, () => held));
  const all = Promise.allSettled(asked);
  assert.equal(
    questions.ask('q103', () => held),
    asked[103],
    'the same question waits once',
  );
  await assert.rejects(
    questions.ask('one more', () => held),
    { code: 'too_many_requests', retryAfterSecs: 1 },
  );
  reject(new Error('no answer'));
  for (const { status } of await all) assert.equal(status, 'rejected');
  assert.equal(await questions.ask('one more', async () => 'fine'), 'fine');
});
