import assert from 'node:assert/strict';
import type { ServerResponse } from 'node:http';
import { test } from 'node:test';
import { RouterError } from '../../src/errors/errors.ts';
import type { Cancellable } from '../../src/link/cancellable.ts';
import { createLog } from '../../src/observe/log/log.ts';
import { Admission, type Applicant } from '../../src/scheduler/admission.ts';
import { answering, fakeWorker, type Handler } from '../helpers/fake-worker.ts';
import { seededRandom } from '../helpers/seeded-random.ts';
import { testRouter, until } from '../helpers/test-router.ts';

const post = (url: string, body = '{}') => fetch(`${url}/generate`, { method: 'POST', body });

test('no more than --max-concurrent-requests reach the workers, the rest wait in order', async () => {
  const waiting: { response: ServerResponse; body: string }[] = [];
  await using worker = await fakeWorker((_, response, body) => void waiting.push({ response, body: String(body) }));
  await using router = await testRouter([worker.url], ['--max-concurrent-requests', '2']);
  const answers: Promise<Response>[] = [];
  for (let i = 0; i < 6; i++) {
    answers.push(post(router.url, String(i)));
    await until(() => router.router.admission.inFlight + router.router.admission.queued === i + 1);
  }
  await until(() => waiting.length === 2);
  assert.deepEqual([router.router.admission.inFlight, router.router.admission.queued], [2, 4]);
  for (let i = 0; i < 6; i++) {
    await until(() => waiting.length > i);
    waiting[i]?.response.end(waiting[i]?.body);
    // Two that are let in at once may reach the worker in any order, over several data threads.
    await until(() => waiting.length === Math.min(6, i + 3));
  }
  const texts = await Promise.all(answers.map(async (answer) => (await answer).text()));
  assert.deepEqual(texts, ['0', '1', '2', '3', '4', '5']);
  assert.deepEqual(
    waiting.slice(2).map(({ body }) => body),
    ['2', '3', '4', '5'],
  );
  await until(() => router.router.admission.inFlight === 0);
});

test('a full queue answers 429 with Retry-After and says which flags set the limit', async () => {
  const waiting: ServerResponse[] = [];
  await using worker = await fakeWorker((_, response) => void waiting.push(response));
  await using router = await testRouter([worker.url], ['--max-concurrent-requests', '1', '--queue-size', '0']);
  const first = post(router.url);
  await until(() => waiting.length === 1);
  const refused = await post(router.url);
  assert.equal(refused.status, 429);
  assert.equal(refused.headers.get('retry-after'), '1');
  const { error } = (await refused.json()) as { error: { code: string; message: string } };
  assert.equal(error.code, 'too_many_requests');
  assert.match(error.message, /1 requests are in flight \(--max-concurrent-requests\).*--queue-size/);
  waiting[0]?.end('ok');
  assert.equal(await (await first).text(), 'ok');
});

test('a burst far above the cap is answered whole, and the log tells how many waited and which flag lifts the cap', async () => {
  const held: ServerResponse[] = [];
  let answering = false;
  await using worker = await fakeWorker((_, response) => {
    if (answering) response.end('ok');
    else held.push(response);
  });
  await using router = await testRouter([worker.url]);
  const sent = Promise.all(Array.from({ length: 1_024 }, async () => (await post(router.url)).text()));
  await until(() => router.router.admission.queued === 1_024 - 64 && held.length === 64);
  answering = true;
  for (const response of held) response.end('ok');
  assert.equal((await sent).filter((text) => text === 'ok').length, 1_024);
  assert.equal(held.length, 64);
  const warnings = () => router.lines.filter((line) => line.includes('requests wait for a free place'));
  await until(() => warnings().length > 0);
  assert.match(warnings()[0] ?? '', /--max-concurrent-requests -1 lifts the cap.*waited=[1-9]\d* .*64/);
});

test('a wait longer than --queue-timeout-secs answers 429', async () => {
  const waiting: ServerResponse[] = [];
  await using worker = await fakeWorker((_, response) => void waiting.push(response));
  await using router = await testRouter([worker.url], ['--max-concurrent-requests', '1'], { queueTimeoutMs: 20 });
  const first = post(router.url);
  await until(() => waiting.length === 1);
  const refused = await post(router.url);
  assert.equal(refused.status, 429);
  assert.match(await refused.text(), /--queue-timeout-secs/);
  assert.equal(router.router.admission.queued, 0);
  waiting[0]?.end();
  await first;
});

test('questions about the engine are not held up by a full router', async () => {
  const waiting: ServerResponse[] = [];
  const answer: Handler = (request, response) => {
    if (request.url === '/generate') waiting.push(response);
    else response.end('{}');
  };
  await using worker = await fakeWorker(answer, 0, { '/server_info': '{}', '/model_info': '{}', '/v1/models': '{}' });
  await using router = await testRouter([worker.url], ['--max-concurrent-requests', '1', '--queue-size', '0']);
  const first = post(router.url);
  await until(() => waiting.length === 1);
  for (const path of ['/v1/models', '/get_server_info', '/get_model_info', '/health']) {
    assert.equal((await fetch(router.url + path)).status, 200, path);
  }
  waiting[0]?.end();
  await first;
});

test('a cap below one means no cap', async () => {
  const waiting: ServerResponse[] = [];
  await using worker = await fakeWorker((_, response) => void waiting.push(response));
  await using router = await testRouter([worker.url], ['--max-concurrent-requests', '-1']);
  const answers = Array.from({ length: 80 }, () => post(router.url));
  await until(() => waiting.length === 80);
  for (const response of waiting) response.end();
  await Promise.all(answers);
});

const codeOf = async (answer: Response) => ((await answer.json()) as { error: { code: string } }).error.code;

test('a request that comes while the queue is full: 429 that names its size', async () => {
  await using worker = await fakeWorker(() => {});
  await using router = await testRouter([worker.url], ['--max-concurrent-requests', '1', '--queue-size', '1']);
  const leaving = new AbortController();
  const ask = () => fetch(`${router.url}/generate`, { method: 'POST', body: '{}', signal: leaving.signal });
  const held = [ask(), ask()];
  await until(() => router.router.admission.queued === 1);
  const refused = await post(router.url);
  assert.equal(refused.status, 429);
  assert.match(await refused.text(), /1 requests wait \(--queue-size\)/);
  leaving.abort();
  await Promise.allSettled(held);
});

test('requests that come before a worker is ready wait for it, in order', async () => {
  await using router = await testRouter([]);
  const bodies: string[] = [];
  await using worker = await fakeWorker((_request, response, body) => {
    bodies.push(String(body));
    response.end(body);
  });
  const answers: Promise<Response>[] = [];
  for (const n of ['1', '2', '3']) {
    answers.push(post(router.url, n));
    await until(() => router.router.admission.queued === Number(n));
  }
  router.router.registry.add({ url: worker.url });
  const texts = await Promise.all(answers.map(async (answer) => (await answer).text()));
  assert.deepEqual(
    [texts, bodies.sort()],
    [
      ['1', '2', '3'],
      ['1', '2', '3'],
    ],
  );
});

test('no worker within --queue-timeout-secs: 503; what is no inference is told at once', async () => {
  await using router = await testRouter([], [], { queueTimeoutMs: 30 });
  const waited = await post(router.url);
  assert.deepEqual([waited.status, await codeOf(waited)], [503, 'no_available_workers']);
  await using patient = await testRouter([]);
  const asked = await fetch(`${patient.url}/v1/models`);
  assert.deepEqual([asked.status, await codeOf(asked)], [503, 'no_available_workers']);
});

test('with a queue of size 0 nobody waits for a worker either', async () => {
  await using router = await testRouter([], ['--queue-size', '0']);
  const answer = await post(router.url);
  assert.deepEqual([answer.status, await codeOf(answer)], [503, 'no_available_workers']);
});

test('a request whose only worker went away waits for it to come back', async () => {
  const dying = await fakeWorker((request) => void request.socket.destroy());
  await using router = await testRouter([dying.url], [], { retryInitialBackoffMs: 1 });
  dying.server.once('request', () => void dying.close());
  const answer = post(router.url);
  await until(() => router.router.registry.available().length === 0);
  await using _back = await fakeWorker(answering('back'), dying.port);
  assert.equal(await (await answer).text(), 'back');
});

test('--rate-limit-tokens-per-second: a second’s worth at once, the others when it is their turn', async () => {
  const times: number[] = [];
  await using worker = await fakeWorker((_request, response) => {
    times.push(performance.now());
    response.end();
  });
  await using router = await testRouter([worker.url], ['--rate-limit-tokens-per-second', '10']);
  const startedMs = performance.now();
  await Promise.all(Array.from({ length: 15 }, () => post(router.url)));
  assert.equal(times.length, 15);
  const tookMs = performance.now() - startedMs;
  assert.ok(tookMs >= 490, `15 requests at 10 a second, 10 of them at once, took ${tookMs} ms`);
});

test('beyond the rate with no place to wait: 429 that names the flag', async () => {
  await using worker = await fakeWorker(answering('ok'));
  const flags = ['--rate-limit-tokens-per-second', '1', '--queue-size', '0'];
  await using router = await testRouter([worker.url], flags);
  assert.equal((await post(router.url)).status, 200);
  const refused = await post(router.url);
  assert.equal(refused.status, 429);
  assert.equal(refused.headers.get('retry-after'), '1');
  assert.match(await refused.text(), /--rate-limit-tokens-per-second/);
});

/** A request that waits or is in flight, whose client may leave. */
class FakeRequest implements Applicant {
  readonly number: number;
  readonly last = false;
  admittedBy: Admission | undefined;
  ongoing: Cancellable | undefined;
  gone = false;

  constructor(number: number) {
    this.number = number;
  }

  lose(): void {
    this.gone = true;
    this.ongoing?.cancel();
  }
}

test('whatever happens, the cap holds, nobody overtakes, and nothing is left over', async () => {
  const quiet = createLog('critical');
  let refused = 0;
  let stranded = 0;
  for (let seed = 1; seed <= 60; seed++) {
    const random = seededRandom(seed);
    const cap = 1 + Math.floor(random() * 4);
    const entering = 0.2 + 0.3 * random();
    const limits = {
      maxConcurrentRequests: cap,
      rateLimitTokensPerSecond: 1_000,
      queueSize: 8,
      queueTimeoutMs: 60_000,
      requestTimeoutMs: 600_000,
    };
    const up: Record<string, boolean> = { a: random() < 0.5, b: random() < 0.5 };
    const readiness = {
      isReady: (model?: string) => (model === undefined ? up.a || up.b : up[model]) === true,
      missing: () => new RouterError('no_available_workers', 'nobody'),
      hopeless: () => undefined,
    };
    let nowMs = 0;
    const admission = new Admission(limits, readiness, quiet, () => nowMs);
    const inside: FakeRequest[] = [];
    const waiting: FakeRequest[] = [];
    let lastIn = 0;
    /** Of those that wait for a worker. */
    const forModels: string[] = [];
    const enter = async (request: FakeRequest) => {
      waiting.push(request);
      const refusal = admission.refusal(request);
      const { queued } = admission;
      const turn = admission.enter(request);
      const isRefused = !request.admittedBy && admission.queued === queued;
      assert.equal(refusal !== undefined, isRefused, `seed ${seed}: what was foreseen is what happens`);
      try {
        await turn;
        if (request.gone && !request.admittedBy) return;
        assert.ok(request.number > lastIn, `seed ${seed}: ${request.number} came in after ${lastIn}`);
        lastIn = request.number;
        inside.push(request);
      } catch (error) {
        if (!(error instanceof RouterError)) throw error;
        refused++;
      } finally {
        waiting.splice(waiting.indexOf(request), 1);
      }
    };
    /** Its workers have gone away. */
    const strand = async (request: FakeRequest, model: string) => {
      const wait = admission.awaitWorker(request, model);
      if (!wait) return;
      forModels.push(model);
      inside.splice(inside.indexOf(request), 1);
      waiting.push(request);
      try {
        await wait;
        if (request.gone && !request.admittedBy) return;
        stranded++;
        inside.push(request);
      } catch {
        refused++;
        if (request.admittedBy) admission.leave(request);
      } finally {
        forModels.splice(forModels.indexOf(model), 1);
        waiting.splice(waiting.indexOf(request), 1);
      }
    };
    const entries: Promise<void>[] = [];
    const any = (of: FakeRequest[]) => of[Math.floor(random() * of.length)];
    for (let number = 1; number <= 400; number++) {
      nowMs += random() * 3;
      const what = random();
      if (what < entering) entries.push(enter(new FakeRequest(number)));
      else if (what < 0.75) {
        const done = any(inside);
        if (done) admission.leave(inside.splice(inside.indexOf(done), 1)[0] as FakeRequest);
      } else if (what < 0.85) any(waiting)?.lose();
      else if (what < 0.9) {
        const unlucky = any(inside);
        if (unlucky) entries.push(strand(unlucky, random() < 0.5 ? 'a' : 'b'));
      } else {
        const model = random() < 0.5 ? 'a' : 'b';
        up[model] = !up[model];
        if (up[model]) admission.pump();
      }
      await Promise.resolve();
      await Promise.resolve();
      await Promise.resolve();
      assert.ok(admission.inFlight >= 0 && admission.inFlight <= cap, `seed ${seed}: ${admission.inFlight} in flight`);
      const idle = admission.inFlight < cap && ['a', 'b'].some((model) => up[model] && forModels.includes(model));
      assert.ok(!idle, `seed ${seed}: there is a place, a worker, and one that waits for it`);
      assert.ok(
        admission.queued >= 0 && admission.queued <= limits.queueSize,
        `seed ${seed}: ${admission.queued} wait`,
      );
    }
    admission.close(new RouterError('draining', 'over'));
    await Promise.all(entries);
    for (const request of inside) admission.leave(request);
    assert.deepEqual([admission.inFlight, admission.queued, waiting.length], [0, 0, 0], `seed ${seed}`);
    assert.ok(lastIn > 0);
  }
  assert.ok(refused > 0 && stranded > 0);
});
