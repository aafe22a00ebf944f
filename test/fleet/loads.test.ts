import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { LoadReport } from '../../src/fleet/load-report.ts';
import { Loads } from '../../src/fleet/loads.ts';
import type { Worker } from '../../src/fleet/worker.ts';
import type { WorkerTarget } from '../../src/fleet/worker-target.ts';
import { fakeWorker, type Handler } from '../helpers/fake-worker.ts';
import { testRegistry } from '../helpers/test-registry.ts';
import { until } from '../helpers/test-router.ts';

const NEW = JSON.stringify({ loads: [{ num_running_reqs: 2, num_waiting_reqs: 1, num_used_tokens: 300 }] });
const OLD = JSON.stringify([{ num_reqs: 5, num_waiting_reqs: 1, num_tokens: 40 }]);
const FROM_NEW: LoadReport = { runningRequests: 2, waitingRequests: 1, usedTokens: 300 };
const FROM_OLD: LoadReport = { runningRequests: 4, waitingRequests: 1, usedTokens: 40 };

/** Answers by path; 404 elsewhere. */
const answers =
  (texts: Readonly<Record<string, string>>): Handler =>
  ({ url = '' }, response) => {
    if (!(url in texts)) response.writeHead(404);
    response.end(texts[url] ?? '{"detail":"Not Found"}');
  };

/** A registry whose workers are asked every 5 ms. */
function asked(options: { timeoutMs?: number } = {}, dpAware = false) {
  const problems: string[] = [];
  const reports: [WorkerTarget, LoadReport][] = [];
  const { workers } = testRegistry({ startupIntervalMs: 50 }, {}, undefined, dpAware);
  const polling = { intervalMs: 5, timeoutMs: 2_000, ...options };
  const listener = {
    learned: (target: WorkerTarget, report: LoadReport) => void reports.push([target, report]),
    failed: ({ url }: Worker, problem: string) => void problems.push(`${url}: ${problem}`),
  };
  const loads = new Loads(listener, polling);
  workers.on('change', (worker) => loads.changed(worker));
  const dispose = async () => {
    loads.close();
    await workers.close();
  };
  return { workers, loads, reports, problems, [Symbol.asyncDispose]: dispose };
}

test('a worker with /v1/loads is asked there, again and again, as soon as it is ready', async () => {
  await using worker = await fakeWorker(answers({ '/v1/loads': NEW, '/get_load': OLD }));
  await using a = asked();
  const added = a.workers.add({ url: worker.url });
  await until(() => a.reports.length >= 3);
  for (const report of a.reports) assert.deepEqual(report, [added.targets[0], FROM_NEW]);
  assert.deepEqual(new Set(worker.seen), new Set(['GET /v1/loads']));
  assert.deepEqual(a.problems, []);
});

const rank = (index: number, running: number) => ({ dp_rank: index, num_running_reqs: running, num_waiting_reqs: 0 });

test('each data-parallel rank that is routed to hears of its own load, from one question', async () => {
  const loads = JSON.stringify({ loads: [rank(1, 7), rank(0, 3)] });
  await using worker = await fakeWorker(answers({ '/v1/loads': loads }), 0, { '/server_info': '{"dp_size":2}' });
  await using a = asked({}, true);
  const added = a.workers.add({ url: worker.url });
  await until(() => a.reports.length >= 4);
  assert.deepEqual(
    a.reports.slice(0, 4).map(([target, { runningRequests }]) => [target, runningRequests]),
    [3, 7, 3, 7].map((running, index) => [added.targets[index % 2], running]),
  );
  assert.ok(worker.seen.length < a.reports.length);
});

test('a report that leaves a rank out is none', async () => {
  const loads = JSON.stringify({ loads: [rank(0, 3)] });
  await using worker = await fakeWorker(answers({ '/v1/loads': loads }), 0, { '/server_info': '{"dp_size":2}' });
  await using a = asked({}, true);
  a.workers.add({ url: worker.url });
  await until(() => a.problems.length === 1);
  assert.match(a.problems[0]!, /\/v1\/loads tells nothing of rank 1/);
  assert.deepEqual(a.reports, []);
});

test('an older worker is asked at /get_load once it is known that there is nothing newer', async () => {
  await using worker = await fakeWorker(answers({ '/get_load': OLD }));
  await using a = asked();
  a.workers.add({ url: worker.url });
  await until(() => a.reports.length >= 3);
  assert.deepEqual(a.reports[0]![1], FROM_OLD);
  assert.deepEqual(worker.seen.slice(0, 3), ['GET /v1/loads', 'GET /get_load', 'GET /get_load']);
});

for (const [what, handler, problem] of [
  ['has neither', answers({}), '/v1/loads answered 404, /get_load answered 404'],
  [
    'answers something else',
    answers({ '/v1/loads': '<html>', '/get_load': '{"loads":[{}]}' }),
    '/v1/loads answered something else than loads, /get_load answered something else than loads',
  ],
  ['hangs up', ({ socket }) => void socket.destroy(), ''],
] as const satisfies readonly (readonly [string, Handler, string])[]) {
  test(`a worker that ${what} is never reported, and logged once`, async () => {
    await using worker = await fakeWorker(handler);
    await using a = asked();
    a.workers.add({ url: worker.url });
    await until(() => worker.seen.length >= 6);
    assert.deepEqual(a.reports, []);
    assert.equal(a.problems.length, 1);
    assert.ok(a.problems[0]!.includes(worker.url) && a.problems[0]!.includes(problem), a.problems[0]);
  });
}

test('a worker that does not answer in time is not waited for', async () => {
  await using worker = await fakeWorker(() => {});
  await using a = asked({ timeoutMs: 20 });
  a.workers.add({ url: worker.url });
  await until(() => a.problems.length === 1);
  assert.match(a.problems[0]!, /gave no answer within 20 ms/);
  assert.deepEqual(a.reports, []);
});

test('an answer without end does not fill the memory', async () => {
  await using worker = await fakeWorker((_, response) => {
    const more = () => {
      if (!response.destroyed) response.write(Buffer.alloc(64 * 1024, ' '), () => setImmediate(more));
    };
    more();
  });
  await using a = asked({ timeoutMs: 100 });
  a.workers.add({ url: worker.url });
  await until(() => a.problems.length === 1);
  assert.deepEqual(a.reports, []);
});

test('a worker that failed is asked less and less often, and believed again when it answers', async () => {
  let broken = true;
  const asks: number[] = [];
  await using worker = await fakeWorker((request, response, body) => {
    if (request.url === '/v1/loads') asks.push(performance.now());
    answers(broken ? {} : { '/v1/loads': NEW })(request, response, body);
  });
  await using a = asked();
  a.workers.add({ url: worker.url });
  await until(() => asks.length === 5);
  // After 10, 20, 40 and 80 ms at the soonest.
  assert.ok(asks[4]! - asks[0]! >= 145, `${asks[4]! - asks[0]!} ms`);
  broken = false;
  await until(() => a.reports.length >= 2);
  assert.equal(a.problems.length, 1);
});

test("questions carry the worker's key", async () => {
  const keys: (string | undefined)[] = [];
  await using worker = await fakeWorker((request, response, body) => {
    keys.push(request.headers.authorization);
    answers({ '/v1/loads': NEW })(request, response, body);
  });
  await using a = asked();
  a.workers.add({ url: worker.url, apiKey: 'k' });
  await until(() => a.reports.length >= 1);
  assert.equal(keys[0], 'Bearer k');
});

test('a worker that is not ready is left alone; when it is back all sources are tried anew', async () => {
  let texts: Readonly<Record<string, string>> = { '/get_load': OLD };
  await using worker = await fakeWorker((request, response, body) => answers(texts)(request, response, body));
  await using a = asked();
  const added = a.workers.add({ url: worker.url });
  await until(() => a.reports.length >= 1);
  texts = { '/v1/loads': NEW };
  added.lost('connect ECONNREFUSED');
  const before = a.reports.length;
  await until(() => added.available && a.reports.length > before);
  assert.deepEqual(a.reports[before]![1], FROM_NEW);
  a.workers.fail(worker.url, 'exited with code 1');
  const after = a.reports.length;
  await new Promise((resolve) => setTimeout(resolve, 50));
  assert.equal(a.reports.length, after);
});

test('a removed worker is not asked any more', async () => {
  await using worker = await fakeWorker(answers({ '/v1/loads': NEW }));
  await using a = asked();
  const added = a.workers.add({ url: worker.url });
  await until(() => a.reports.length >= 1);
  await a.workers.remove(worker.url);
  a.loads.removed(added);
  const after = a.reports.length;
  await new Promise((resolve) => setTimeout(resolve, 50));
  assert.equal(a.reports.length, after);
});
