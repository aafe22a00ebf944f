import assert from 'node:assert/strict';
import dns from 'node:dns';
import { mock, type TestContext, test } from 'node:test';
import { Relay } from '../../src/data/relay.ts';
import { createLog } from '../../src/observe/log/log.ts';
import { FailureLog } from '../../src/scheduler/failure-log.ts';
import { RoundRobinPolicy } from '../../src/scheduler/policies/round-robin.ts';
import { answering, fakeWorker, type Handler } from '../helpers/fake-worker.ts';
import { mortalWorker } from '../helpers/mortal-worker.ts';
import { DATA_THREADS, type TestRouter, testRouter, until } from '../helpers/test-router.ts';
import { tlsFile } from '../helpers/tls.ts';

const QUICK = ['--retry-initial-backoff-ms', '1', '--cb-failure-threshold', '1'];

const post = (url: string, path = '/generate') => fetch(url + path, { method: 'POST', body: '{"stream":true}' });

const events: Handler = (_, response) => {
  response.writeHead(200, { 'content-type': 'text/event-stream' });
  response.write('data: {"text":"one"}\n\n', () => setImmediate(() => response.end('data: {"text":"two"}\n\n')));
};

/** No worker is taken out, nor counted as failing. */
function assertBlameless({ router }: TestRouter): void {
  for (const { breaker, available, url } of router.registry.workers) {
    assert.deepEqual([available, breaker.state, breaker.failures], [true, 'closed', 0], url);
  }
}

const logged = ({ lines }: TestRouter, pattern: RegExp) => lines.filter((line) => pattern.test(line));

const MISTAKES: readonly (readonly [what: string, error: () => Error])[] = [
  ['a TypeError', () => new TypeError('boom')],
  ['an error of Node with a code', () => Object.assign(new Error('boom'), { code: 'ERR_STRING_TOO_LONG' })],
];
const PLACES: readonly (readonly [where: string, target: object, method: string])[] = [
  ['the head of an answer', Relay.prototype, 'head'],
  ['its first bytes', Relay.prototype, 'data'],
];

/** What is changed here stays as it is in other threads. */
const skip = DATA_THREADS > 1;

for (const [what, error] of MISTAKES) {
  for (const [where, target, method] of PLACES) {
    test(`${what} of the router in ${where}: 500, logged with its stack, nobody is blamed or asked again`, {
      skip,
    }, async (t) => {
      t.mock.method(target as Record<string, () => void>, method, () => {
        throw error();
      });
      for (const tls of [false, true]) {
        await using one = await mortalWorker({ tls });
        await using two = await mortalWorker({ tls });
        await using router = await testRouter([one.url, two.url], [...QUICK, '--ca-cert-paths', tlsFile('ca.pem')]);
        const answer = await post(router.url);
        assert.deepEqual([answer.status, answer.headers.get('x-smg-error-code')], [500, 'internal_error']);
        assert.equal(one.seen.length + two.seen.length, 1);
        assertBlameless(router);
        assert.equal(
          logged(router, /ERROR .* failed in the router .*boom.*blame\.test\.ts/).length,
          1,
          router.lines.join(''),
        );
        assert.equal(
          router.router.registry.workers.reduce((sum, { load }) => sum + load, 0),
          0,
        );
      }
    });
  }
}

test('a mistake in the middle of a stream ends it with an error event, logged, and blames nobody', {
  skip,
}, async (t) => {
  t.mock.method(Relay.prototype, 'chunks', () => {
    throw new TypeError('boom');
  });
  await using worker = await fakeWorker(events);
  await using router = await testRouter([worker.url], QUICK);
  const text = await (await post(router.url)).text();
  assert.match(text, /one.*"code":"internal_error"/s);
  assert.doesNotMatch(text, /two/);
  assertBlameless(router);
  await until(() => logged(router, /ERROR .* failed in the router .*boom/).length === 1);
});

test('a policy that fails when the first byte comes, or at the choice, takes nobody out', { skip }, async (t) => {
  const boom = () => {
    throw new TypeError('boom');
  };
  await using one = await fakeWorker(events);
  await using two = await fakeWorker(events);
  await using router = await testRouter([one.url, two.url], QUICK);
  const first = t.mock.method(RoundRobinPolicy.prototype, 'pick', boom);
  assert.equal((await post(router.url)).status, 500);
  first.mock.restore();
  Object.assign(RoundRobinPolicy.prototype, { firstByte: boom });
  t.after(() => Reflect.deleteProperty(RoundRobinPolicy.prototype, 'firstByte'));
  assert.equal((await post(router.url)).status, 500);
  assertBlameless(router);
  assert.equal(logged(router, /ERROR .* failed in the router .*boom/).length, 2);
});

/** Node looks names up as if this one had that problem. */
function mockLookup(t: TestContext, name: string, code: string): void {
  const { lookup } = dns;
  t.mock.method(dns, 'lookup', ((host: string, ...rest: unknown[]) => {
    const callback = rest.at(-1) as (error: Error) => void;
    if (host === name)
      setImmediate(() =>
        callback(Object.assign(new Error(`getaddrinfo ${code} ${name}`), { code, syscall: 'getaddrinfo' })),
      );
    else (lookup as (...args: unknown[]) => void)(host, ...rest);
  }) as typeof dns.lookup);
}

for (const code of ['ENOTFOUND', 'EAI_AGAIN']) {
  test(`a name that does not resolve (${code}) is a failure, but no sign that the cache is gone`, {
    skip,
  }, async (t) => {
    mockLookup(t, 'worker.test', code);
    await using good = await fakeWorker(answering('good'));
    await using router = await testRouter([good.url], ['--disable-health-check', '--cb-failure-threshold', '2']);
    const { registry } = router.router;
    const lost: string[] = [];
    registry.on('lost', ({ url }) => lost.push(url));
    const worker = registry.add({ url: 'http://worker.test:1' });
    while (worker.breaker.state === 'closed') assert.equal(await (await post(router.url)).text(), 'good');
    assert.deepEqual([worker.state.kind, lost], ['ready', []]);
    assert.match(worker.breaker.reason, /2 failures in a row: getaddrinfo .* worker\.test \(2 times\)/);
  });
}

test('a failed attempt is told at info: worker and status or error; an open breaker names what opened it', async () => {
  await using bad = await fakeWorker((_, response) => void response.writeHead(500).end());
  await using worse = await fakeWorker((request) => void request.socket.destroy());
  await using good = await fakeWorker(answering('good'));
  const flags = ['--retry-initial-backoff-ms', '1', '--cb-failure-threshold', '2'];
  await using router = await testRouter([bad.url, worse.url, good.url], flags);
  for (let i = 0; i < 6; i++) assert.equal(await (await post(router.url)).text(), 'good');
  const told = (url: string, reason: string) =>
    logged(router, new RegExp(`INFO +attempts? failed .*worker=${url} reason=${reason}`)).length;
  assert.ok(told(bad.url, '"status 500"') >= 1, router.lines.join(''));
  assert.ok(told(worse.url, '"other side closed"') >= 1, router.lines.join(''));
  const opened = logged(router, /WARNING +circuit breaker open.*/);
  assert.ok(
    opened.some((line) => line.includes(bad.url) && line.includes('status 500 (2 times)')),
    opened.join(''),
  );
  assert.ok(
    opened.some((line) => line.includes(worse.url) && line.includes('other side closed (2 times)')),
    opened.join(''),
  );
});

test('failed attempts that recur are told once a second, with their number', () => {
  mock.timers.enable({ apis: ['setTimeout'] });
  try {
    const lines: string[] = [];
    const log = new FailureLog(createLog('info', (line) => lines.push(line.replace(/^\S+ /, '').trim())));
    const note = (worker: string, cause: string) => log.note({ id: 'gnt-1', path: '/generate', worker, cause });
    for (let i = 0; i < 5; i++) note('http://a', 'status 503');
    note('http://b', 'status 503');
    note('http://a', 'reset');
    assert.equal(lines.length, 3);
    mock.timers.tick(1_000);
    assert.deepEqual(lines.slice(3), ['INFO     attempts failed worker=http://a reason="status 503" times=4']);
    note('http://a', 'status 503');
    assert.equal(lines.length, 4);
    mock.timers.tick(1_000);
    assert.match(lines[4] ?? '', /times=1$/);
    mock.timers.tick(2_000);
    note('http://a', 'status 503');
    assert.match(
      lines[5] ?? '',
      /^INFO +attempt failed id=gnt-1 path=\/generate worker=http:\/\/a reason="status 503"$/,
    );
    for (let i = 0; i < 10_000; i++) note('http://c', `odd answer ${i}`);
    assert.ok(lines.length < 300, `${lines.length} lines`);
    mock.timers.tick(1_000);
    assert.match(lines.at(-1) ?? '', /worker=http:\/\/c reason="other causes" times=\d+$/);
  } finally {
    mock.timers.reset();
  }
});
