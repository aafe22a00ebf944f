import assert from 'node:assert/strict';
import type { ServerResponse } from 'node:http';
import { test } from 'node:test';
import { retryAfterMs } from '../../src/http/retry-after.ts';
import { backoffMs } from '../../src/scheduler/retry.ts';
import { answering, fakeWorker, type Handler } from '../helpers/fake-worker.ts';
import { testRouter, until } from '../helpers/test-router.ts';

const QUICK = { retryInitialBackoffMs: 1, retryMaxBackoffMs: 5 };
const post = (url: string, body = '{}', path = '/generate') => fetch(url + path, { method: 'POST', body });
const codeOf = async (answer: Response) => ((await answer.json()) as { error: { code: string } }).error.code;
const failing =
  (status: number, headers: Record<string, string> = {}): Handler =>
  (_request, response) =>
    void response.writeHead(status, headers).end('broken');

for (const status of [408, 429, 500, 502, 503, 504]) {
  test(`a worker that answers ${status}: another one is asked, and the client sees only that`, async () => {
    await using bad = await fakeWorker(failing(status));
    await using good = await fakeWorker((_request, response, body) => void response.end(body));
    await using router = await testRouter([bad.url, good.url], [], QUICK);
    for (const body of ['{"n":1}', '{"n":2}', '{"n":3}']) {
      const answer = await post(router.url, body);
      assert.deepEqual([answer.status, await answer.text()], [200, body]);
      assert.equal(answer.headers.get('x-sglang-router-worker'), good.url);
    }
    assert.ok(bad.seen.length > 0);
  });
}

for (const status of [400, 401, 404, 422, 501, 505]) {
  test(`${status} is the answer: nobody else is asked`, async () => {
    await using a = await fakeWorker(failing(status));
    await using b = await fakeWorker(failing(status));
    await using router = await testRouter([a.url, b.url], [], QUICK);
    const answer = await post(router.url);
    assert.deepEqual([answer.status, await answer.text()], [status, 'broken']);
    assert.equal(a.seen.length + b.seen.length, 1);
  });
}

const BREAKS: Readonly<Record<string, Handler>> = {
  'before its head': (request) => void request.socket.destroy(),
  'after its head': (request, response) => {
    response.writeHead(200, { 'content-type': 'text/event-stream' }).flushHeaders();
    setImmediate(() => request.socket.destroy());
  },
  'with something else than HTTP': (request) => void request.socket.end('SSH-2.0-OpenSSH_9\r\n'),
};
for (const [name, handler] of Object.entries(BREAKS)) {
  test(`a connection that ends ${name}: another worker is asked with the same body`, async () => {
    await using bad = await fakeWorker(handler);
    await using good = await fakeWorker((_request, response, body) => void response.end(body));
    await using router = await testRouter([bad.url, good.url], [], QUICK);
    for (const body of ['{"n":1}', '{"n":2}']) assert.equal(await (await post(router.url, body)).text(), body);
    assert.ok(bad.seen.length > 0);
  });
}

test('every worker is asked once before one is asked again, and the last answer is passed on as it is', async () => {
  const order: string[] = [];
  const naming =
    (name: string): Handler =>
    (_request, response) => {
      order.push(name);
      response.writeHead(500, { 'x-by': name }).end(name);
    };
  await using a = await fakeWorker(naming('a'));
  await using b = await fakeWorker(naming('b'));
  await using c = await fakeWorker(naming('c'));
  // A policy that would pick the same one each time.
  const sticky = { ...QUICK, policy: 'manual' as const };
  await using router = await testRouter([a.url, b.url, c.url], ['--retry-max-retries', '3'], sticky);
  const headers = { 'x-smg-routing-key': 'one' };
  const answer = await fetch(`${router.url}/generate`, { method: 'POST', body: '{}', headers });
  assert.equal(answer.status, 500);
  assert.equal(order.length, 4);
  assert.equal(new Set(order.slice(0, 3)).size, 3);
  assert.deepEqual([answer.headers.get('x-by'), await answer.text()], [order[3], order[3]]);
});

test('--disable-retries: the first answer is passed on, but a worker that cannot be reached has seen nothing', async () => {
  const dying = await fakeWorker(answering('dying'));
  await using other = await fakeWorker(failing(500));
  await using router = await testRouter([dying.url, other.url], ['--disable-retries'], QUICK);
  await dying.close();
  for (let i = 1; i <= 4; i++) {
    assert.equal((await post(router.url)).status, 500);
    assert.equal(other.seen.length, i);
  }
});

test('what is no inference and changes something is not sent twice', async () => {
  await using a = await fakeWorker(failing(500));
  await using b = await fakeWorker(failing(500));
  await using router = await testRouter([a.url, b.url], [], QUICK);
  assert.equal((await post(router.url, '{}', '/update_weights')).status, 500);
  assert.equal(a.seen.length + b.seen.length, 1);
  assert.equal((await fetch(`${router.url}/any/question`)).status, 500);
  assert.equal(a.seen.length + b.seen.length, 5);
});

test('after the first byte nobody else is asked', async () => {
  await using bad = await fakeWorker((request, response) => {
    response.write('first', () => request.socket.destroy());
  });
  await using good = await fakeWorker(answering('good'));
  await using router = await testRouter([bad.url, good.url], [], QUICK);
  let broken = 0;
  for (let i = 0; i < 2; i++) {
    await post(router.url).then(
      (answer) => answer.text().catch(() => broken++),
      () => broken++,
    );
  }
  assert.deepEqual([broken, bad.seen.length, good.seen.length], [1, 1, 1]);
});

test('Retry-After is waited for where nobody else can be asked, as long as --retry-max-backoff-ms allows', async () => {
  const times: number[] = [];
  await using worker = await fakeWorker((_request, response) => {
    times.push(performance.now());
    if (times.length > 1) response.end('fine');
    else response.writeHead(503, { 'retry-after': '3600' }).end();
  });
  await using router = await testRouter([worker.url], [], { retryInitialBackoffMs: 1, retryMaxBackoffMs: 300 });
  assert.equal(await (await post(router.url)).text(), 'fine');
  assert.ok((times[1] as number) - (times[0] as number) >= 290);
});

test('Retry-After of one worker does not keep a request from another', async () => {
  await using busy = await fakeWorker(failing(503, { 'retry-after': '3600' }));
  await using idle = await fakeWorker(answering('idle'));
  const patient = { retryInitialBackoffMs: 1, retryMaxBackoffMs: 3_600_000 };
  await using router = await testRouter([busy.url, idle.url], [], patient);
  for (let i = 0; i < 3; i++) assert.equal(await (await post(router.url)).text(), 'idle');
});

test('a connection serves on after an answer that nobody got', async () => {
  const sockets = new Set<unknown>();
  await using worker = await fakeWorker((request, response) => {
    sockets.add(request.socket);
    const first = request.headers['x-fail'] !== undefined && worker.seen.length % 2 === 1;
    response.writeHead(first ? 500 : 200).end('x'.repeat(30_000));
  });
  await using router = await testRouter([worker.url], ['--disable-circuit-breaker'], QUICK);
  for (let i = 0; i < 5; i++) {
    const answer = await fetch(`${router.url}/generate`, { method: 'POST', body: '{}', headers: { 'x-fail': '1' } });
    assert.equal((await answer.text()).length, 30_000);
  }
  assert.equal(worker.seen.length, 10);
  assert.ok(sockets.size <= 3, `${sockets.size} connections for 10 requests one after the other`);
});

test('an endless answer that nobody gets is given up, and the request goes on at once', async () => {
  const { promise: closed, resolve } = Promise.withResolvers<void>();
  let written = 0;
  await using endless = await fakeWorker((_request, response) => {
    response.writeHead(500);
    const piece = 'x'.repeat(16_384);
    const more = () => {
      written += piece.length;
      if (!response.destroyed) response.write(piece, () => setImmediate(more));
    };
    more();
    response.on('close', resolve);
  });
  await using good = await fakeWorker(answering('good'));
  await using router = await testRouter([endless.url, good.url], [], QUICK);
  for (let i = 0; i < 2; i++) assert.equal(await (await post(router.url)).text(), 'good');
  await closed;
  // What the sockets hold between the two, and a little more.
  assert.ok(written < 16 * 2 ** 20, `${written} bytes`);
});

test('a client that leaves between two attempts is settled at once', async () => {
  await using worker = await fakeWorker(failing(500));
  await using router = await testRouter([worker.url], ['--max-concurrent-requests', '1'], {
    retryInitialBackoffMs: 60_000,
    retryMaxBackoffMs: 60_000,
  });
  const leaving = new AbortController();
  const asked = fetch(`${router.url}/generate`, { method: 'POST', body: '{}', signal: leaving.signal });
  await until(() => worker.seen.length === 1 && router.router.registry.workers[0]?.load === 0);
  leaving.abort();
  await assert.rejects(asked);
  await until(() => router.router.admission.inFlight === 0);
});

test('a fleet that always fails gets at most 1.2 times the requests', async () => {
  const workers = await Promise.all([1, 2, 3].map(() => fakeWorker(failing(500))));
  await using _ = { [Symbol.asyncDispose]: async () => void (await Promise.all(workers.map((one) => one.close()))) };
  const urls = workers.map(({ url }) => url);
  await using router = await testRouter(urls, ['--disable-circuit-breaker', '--max-concurrent-requests', '0'], QUICK);
  let left = 1_000;
  const client = async () => {
    while (left-- > 0) assert.equal((await post(router.url)).status, 500);
  };
  await Promise.all(Array.from({ length: 64 }, client));
  const asked = workers.reduce((sum, { seen }) => sum + seen.length, 0);
  assert.ok(asked >= 1_000 && asked <= 1_200, `${asked} requests reached the workers`);
});

test('one worker that fails, one that hangs, one that is well: every client is served', async () => {
  await using bad = await fakeWorker(failing(500));
  const hanging: ServerResponse[] = [];
  await using hangs = await fakeWorker((_request, response) => void hanging.push(response));
  await using good = await fakeWorker(answering('good'));
  await using router = await testRouter([bad.url, hangs.url, good.url], ['--max-concurrent-requests', '0'], {
    ...QUICK,
    firstByteTimeoutMs: 2_000,
  });
  let left = 1_000;
  const client = async () => {
    while (left-- > 0) assert.equal(await (await post(router.url)).text(), 'good');
  };
  await Promise.all(Array.from({ length: 64 }, client));
  const asked = bad.seen.length + hangs.seen.length + good.seen.length;
  assert.ok(asked <= 1_200, `${asked} requests reached the workers`);
});

test('connections that the worker has closed meanwhile are nobody’s failure: sent again at once, on the same worker', async () => {
  for (const end of ['destroy', 'resetAndDestroy'] as const) {
    const served = new WeakSet<object>();
    await using worker = await fakeWorker((request, response) => {
      if (served.has(request.socket)) return void request.socket[end]();
      served.add(request.socket);
      response.end('fine');
    });
    await using router = await testRouter([worker.url], ['--disable-retries', '--cb-failure-threshold', '1']);
    for (let i = 0; i < 6; i++) assert.equal(await (await post(router.url)).text(), 'fine', end);
    assert.ok(worker.seen.length > 6, 'some met a closed connection');
    assert.equal(router.router.registry.workers[0]?.breaker.state, 'closed');
    assert.equal(router.router.registry.workers[0]?.breaker.failures, 0);
  }
});

test('a worker that ends every connection without an answer is a failing one', async () => {
  await using worker = await fakeWorker((request) => void request.socket.destroy());
  await using router = await testRouter([worker.url], ['--disable-retries', '--cb-failure-threshold', '1']);
  assert.equal((await post(router.url)).status, 502);
  assert.equal(router.router.registry.workers[0]?.breaker.state, 'open');
});

test('no attempt begins that the request has no time for, and no worker is blamed for it', async () => {
  let asked = 0;
  await using worker = await fakeWorker((_request, response) => {
    asked++;
    response.writeHead(503).end('busy');
  });
  const slow = { requestTimeoutMs: 30_000, retryInitialBackoffMs: 40_000, retryMaxBackoffMs: 40_000 };
  await using router = await testRouter([worker.url], ['--cb-failure-threshold', '1'], slow);
  const answer = await post(router.url);
  assert.deepEqual([answer.status, await codeOf(answer), asked], [504, 'worker_timeout', 1]);
  assert.equal(router.router.registry.workers[0]?.breaker.state, 'closed');
});

test('what must not be sent twice is not, where its worker is removed over it', async () => {
  const seen: string[] = [];
  const silent: Handler = ({ url }, response) => {
    if (url === '/generate') response.end('ok');
    else seen.push(url ?? '');
  };
  await using one = await fakeWorker(silent);
  await using two = await fakeWorker(silent);
  await using router = await testRouter([one.url, two.url], ['--policy', 'round_robin']);
  // Over connections that have served, which may be found closed.
  for (let i = 0; i < 2; i++) await (await post(router.url)).text();
  const answer = fetch(`${router.url}/an_order`, { method: 'POST', body: '{}' });
  await until(() => seen.length === 1);
  const { registry } = router.router;
  const asked = registry.workers.find(({ load }) => load === 1);
  await registry.remove(asked?.url ?? '', 0);
  assert.deepEqual([(await answer).status, seen], [502, ['/an_order']]);
});

test('a worker that was taken out is asked all the same when it is the last', async () => {
  let well = false;
  await using worker = await fakeWorker((_request, response) => void response.writeHead(well ? 200 : 500).end('x'));
  await using router = await testRouter([worker.url], ['--disable-retries', '--cb-failure-threshold', '1']);
  assert.equal((await post(router.url)).status, 500);
  await until(() => router.router.registry.available().length === 0);
  assert.equal((await post(router.url)).status, 500);
  well = true;
  assert.equal((await post(router.url)).status, 200);
});

test('waits grow by the factor up to the longest, give or take the jitter', () => {
  const options = {
    retryMaxRetries: 9,
    retryInitialBackoffMs: 100,
    retryMaxBackoffMs: 1_000,
    retryBackoffMultiplier: 2,
    retryJitterFactor: 0.1,
    disableRetries: false,
  };
  const waits = [0, 1, 2, 3, 4, 5].map((retry) => backoffMs(retry, options, () => 0.5));
  assert.deepEqual(waits, [100, 200, 400, 800, 1_000, 1_000]);
  assert.equal(Math.round(backoffMs(0, options, () => 0)), 90);
  assert.equal(Math.round(backoffMs(0, options, () => 1)), 110);
});

test('Retry-After is read as seconds or as a date', () => {
  const nowMs = Date.parse('Wed, 21 Oct 2026 07:28:00 GMT');
  assert.equal(retryAfterMs('7', nowMs), 7_000);
  assert.equal(retryAfterMs('Wed, 21 Oct 2026 07:28:09 GMT', nowMs), 9_000);
  assert.equal(retryAfterMs('Wed, 21 Oct 2026 07:27:00 GMT', nowMs), 0);
  for (const nothing of [undefined, '', 'soon']) assert.equal(retryAfterMs(nothing, nowMs), undefined);
});
