import assert from 'node:assert/strict';
import { test } from 'node:test';
import { OPTIONS } from '../../src/config/options.ts';
import { answering, type FakeWorker, fakeWorker } from '../helpers/fake-worker.ts';
import { testRouter, until } from '../helpers/test-router.ts';

const generate = (url: string, headers: Readonly<Record<string, string>> = {}) =>
  fetch(`${url}/generate`, { method: 'POST', headers, body: '{"text":"Hello"}' }).then((answer) => answer.text());

const served = ({ seen }: FakeWorker) => seen.filter((line) => line === 'POST /generate').length;

/** A worker that answers its name, and reports so many running requests. */
const reporting = (name: string, running: number) =>
  fakeWorker(({ url }, response) => {
    const loads = [{ num_running_reqs: running, num_waiting_reqs: 0 }];
    response.end(url === '/v1/loads' ? JSON.stringify({ loads }) : name);
  });

type PolicyName = (typeof OPTIONS.policy)['default'];

for (const policy of OPTIONS.policy.choices as readonly PolicyName[]) {
  test(`--policy ${policy} serves`, async () => {
    await using a = await fakeWorker(answering('a'));
    await using b = await fakeWorker(answering('b'));
    await using router = await testRouter([a.url, b.url], [], { policy });
    for (let n = 0; n < 5; n++) assert.match(await generate(router.url), /^[ab]$/);
    assert.equal(served(a) + served(b), 5);
  });
}

for (const policy of ['power_of_two', 'least_load'] as const) {
  test(`${policy} goes by what workers report: one that others keep busy gets nothing`, async () => {
    await using busy = await reporting('busy', 50);
    await using idle = await reporting('idle', 0);
    await using router = await testRouter([busy.url, idle.url], [], { policy });
    await until(() => [busy, idle].every(({ seen }) => seen.includes('GET /v1/loads')));
    // The answers are on their way; once both are in, the busy one is out.
    let inRow = 0;
    while (inRow < 20) inRow = (await generate(router.url)) === 'idle' ? inRow + 1 : 0;
  });
}

test('a policy that does not go by reports asks nobody for them', async () => {
  await using a = await reporting('a', 0);
  await using router = await testRouter([a.url], [], { policy: 'random' });
  await generate(router.url);
  assert.deepEqual(
    a.seen.filter((line) => line.includes('load')),
    [],
  );
});

test('manual keeps the requests of one routing key together', async () => {
  const workers = await Promise.all(['a', 'b', 'c', 'd'].map((name) => fakeWorker(answering(name))));
  await using _ = { [Symbol.asyncDispose]: async () => void (await Promise.all(workers.map((one) => one.close()))) };
  const urls = workers.map(({ url }) => url);
  await using router = await testRouter(urls, ['--assignment-mode', 'min_group'], { policy: 'manual' });
  const homes = new Map<string, string>();
  for (let turn = 0; turn < 3; turn++) {
    for (const key of ['k1', 'k2', 'k3', 'k4']) {
      const worker = await generate(router.url, { 'x-smg-routing-key': key });
      if (turn === 0) homes.set(key, worker);
      assert.equal(worker, homes.get(key));
    }
  }
  assert.equal(new Set(homes.values()).size, 4);
});
