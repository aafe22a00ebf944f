import assert from 'node:assert/strict';
import dns from 'node:dns';
import type { Socket } from 'node:net';
import { type TestContext, test } from 'node:test';
import type { Config } from '../../src/config/options.ts';
import { fakeWorker } from '../helpers/fake-worker.ts';
import { rawClient } from '../helpers/raw-client.ts';
import { ok, type RecordingWorker, type Respond, recordingWorker } from '../helpers/recording-worker.ts';
import { DATA_THREADS, type TestRouter, testRouter, until } from '../helpers/test-router.ts';

const QUICK = ['--retry-initial-backoff-ms', '1'];
const NEVER_OPEN = ['--cb-failure-threshold', '100000'];

const post = (url: string, path = '/generate', body: string | Buffer = '{}') =>
  fetch(url + path, { method: 'POST', body, headers: { 'content-type': 'application/json' } });

const status = (line: string) => `HTTP/1.1 ${line}\r\ncontent-length: 3\r\n\r\nbad`;

const chunk = (text: string) => `${Buffer.byteLength(text).toString(16)}\r\n${text}\r\n`;
const STREAM_HEAD = 'HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n';
const EVENT = 'data: {"text":"one"}\n\n';

interface Fleet {
  readonly workers: readonly RecordingWorker[];
  readonly router: TestRouter;
}

/** Workers that answer so, behind a router; all end with the test. */
async function fleet(
  t: TestContext,
  responds: readonly Respond[],
  flags: readonly string[] = [],
  fields: Partial<Config> = {},
): Promise<Fleet> {
  const workers = await Promise.all(responds.map((respond) => recordingWorker(respond)));
  const router = await testRouter(
    workers.map(({ url }) => url),
    [...QUICK, ...flags],
    fields,
  );
  t.after(async () => {
    await router[Symbol.asyncDispose]();
    for (const worker of workers) await worker.close();
  });
  return { workers, router };
}

const good: Respond = (_, socket) => void socket.write(ok('good'));
const saying =
  (answer: string): Respond =>
  (_, socket) =>
    void socket.write(answer);

const available = ({ router }: Fleet, url: string) =>
  router.router.registry.workers.find((one) => one.url === url)?.available;

const FAILURES: readonly (readonly [what: string, respond: Respond])[] = [
  ['a reset before the head', (_, socket) => void socket.resetAndDestroy()],
  ['a close before the head', (_, socket) => void socket.end()],
  [
    'a reset after the head',
    (_, socket) => void socket.write('HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\n', () => socket.resetAndDestroy()),
  ],
  ['a close after the head of a stream', (_, socket) => void socket.end(STREAM_HEAD)],
  ['an answer that is not HTTP', (_, socket) => void socket.end('SSH-2.0-OpenSSH_9\r\n')],
  ['silence', () => {}],
];

for (const [what, respond] of FAILURES) {
  test(`(22) ${what}: another worker answers, and the client sees nothing of it`, async (t) => {
    const { workers, router } = await fleet(t, [respond, good], NEVER_OPEN, { firstByteTimeoutMs: 1_000 });
    for (let i = 0; i < 4; i++) {
      const answer = await post(router.url);
      assert.deepEqual([answer.status, await answer.text()], [200, 'good']);
      assert.equal(answer.headers.get('x-sglang-router-worker'), workers[1]?.url);
    }
    // A connection that has served a health check may be taken for stale, and the request sent again on a fresh one.
    assert.ok(workers[0]!.total > 0 && workers[0]!.total <= 8, `the bad one was asked ${workers[0]!.total} times`);
    assert.equal(workers[1]!.total, 4);
  });
}

test('(22) refused connections: another worker answers, and the client sees nothing of it', async (t) => {
  const { workers, router } = await fleet(t, [good, good]);
  await workers[0]!.close();
  for (let i = 0; i < 4; i++) assert.equal(await (await post(router.url)).text(), 'good');
  assert.equal(workers[1]!.total, 4);
});

for (const line of ['400 Bad', '401 No', '404 No', '413 Big', '422 No']) {
  test(`(26) ${line} never takes a worker out and is not tried again`, async (t) => {
    const both = await fleet(t, [saying(status(line))], ['--cb-failure-threshold', '1']);
    for (let i = 0; i < 10; i++) assert.equal((await post(both.router.url)).status, Number(line.slice(0, 3)));
    assert.equal(available(both, both.workers[0]!.url), true);
    assert.equal(both.workers[0]!.total, 10);
  });
}

for (const line of ['429 Busy', '503 Busy']) {
  test(`(26) ${line} takes no worker out`, async (t) => {
    const both = await fleet(t, [saying(status(line))], ['--cb-failure-threshold', '1', '--disable-retries']);
    for (let i = 0; i < 10; i++) assert.equal((await post(both.router.url)).status, Number(line.slice(0, 3)));
    assert.equal(available(both, both.workers[0]!.url), true);
  });
}

test('(26) 500 does take a worker out', async (t) => {
  const both = await fleet(t, [saying(status('500 No')), good], ['--cb-failure-threshold', '2']);
  for (let i = 0; i < 6; i++) assert.equal((await post(both.router.url)).status, 200);
  assert.equal(available(both, both.workers[0]!.url), false);
  assert.equal(both.workers[0]!.total, 2);
});

test('(27) with every breaker open the workers are tried all the same', async (t) => {
  let broken = true;
  const respond: Respond = (_, socket) => void socket.write(broken ? status('500 No') : ok('good'));
  const both = await fleet(t, [respond, respond], ['--cb-failure-threshold', '1', '--disable-retries']);
  for (let i = 0; i < 4; i++) assert.equal((await post(both.router.url)).status, 500);
  assert.deepEqual(
    both.workers.map(({ url }) => available(both, url)),
    [false, false],
  );
  broken = false;
  for (let i = 0; i < 4; i++) assert.equal((await post(both.router.url)).status, 200);
});

test('(27) a half-open breaker lets one request through at a time', async (t) => {
  const probes: Socket[] = [];
  let broken = true;
  const both = await fleet(
    t,
    [(_, socket) => void (broken ? socket.write(status('500 No')) : probes.push(socket)), good],
    ['--cb-failure-threshold', '1', '--cb-timeout-duration-secs', '1', '--health-check-interval-secs', '3600'],
  );
  const [bad] = both.workers;
  while (available(both, bad!.url)) await post(both.router.url);
  broken = false;
  await until(() => available(both, bad!.url) === true);
  const before = bad!.total;
  const answers = Array.from({ length: 10 }, async () => (await post(both.router.url)).text());
  await until(() => probes.length === 1 && both.workers[1]!.total >= 9);
  assert.equal(bad!.total - before, 1);
  probes[0]!.write(ok('probe'));
  assert.deepEqual((await Promise.all(answers)).sort(), [...Array(9).fill('good'), 'probe']);
});

test('(28) a worker that was restarted on its port is asked again, and nothing is expected in its cache', async () => {
  const matched = async (url: string) => {
    const answer = await post(url, '/generate', JSON.stringify({ text: 'the same beginning '.repeat(100) }));
    assert.equal(await answer.text(), 'ok');
    return Number(answer.headers.get('x-sglang-router-matched')?.split('/')[0]);
  };
  const first = await fakeWorker((_, response) => void response.end('ok'));
  await using router = await testRouter([first.url], [], { policy: 'cache_aware' });
  await matched(router.url);
  assert.ok((await matched(router.url)) > 1_000);
  await first.close();
  // It finds nobody there and waits.
  const waiting = matched(router.url);
  await until(() => router.router.registry.workers[0]?.available === false);
  await using _second = await fakeWorker((_, response) => void response.end('ok'), first.port);
  assert.equal(await waiting, 0);
});

test('(29) a worker that accepts and stays silent gets no more requests; its streams run on', async (t) => {
  let wedged = false;
  let stream: Socket | undefined;
  const respond: Respond = ({ target }, socket) => {
    if (target === '/generate?stream') {
      socket.write(STREAM_HEAD + chunk(EVENT));
      stream = socket;
    } else if (!wedged) socket.write(ok('first'));
  };
  const both = await fleet(
    t,
    [respond, good],
    ['--health-check-interval-secs', '3600', '--health-check-timeout-secs', '1'],
  );
  const [stuck] = both.workers;
  const readers = [await rawClient(both.router.url), await rawClient(both.router.url)];
  t.after(() => readers.map((reader) => reader[Symbol.dispose]()));
  for (const reader of readers) {
    reader.send('POST /generate?stream HTTP/1.1\r\nhost: x\r\ncontent-length: 2\r\n\r\n{}');
    await reader.until(/HTTP\/1\.1 200/);
  }
  const reader = readers.find(({ received }) => received.includes(EVENT))!;
  wedged = true;
  stuck!.health = 'silent';
  let over = false;
  t.after(() => {
    over = true;
  });
  const client = async () => {
    while (!over) assert.equal(await (await post(both.router.url)).text(), 'good');
  };
  const clients = Promise.all(Array.from({ length: 8 }, client));
  await until(() => available(both, stuck!.url) === false);
  const seen = stuck!.total;
  for (let i = 0; i < 20; i++) assert.equal(await (await post(both.router.url)).text(), 'good');
  over = true;
  await clients;
  assert.equal(stuck!.total, seen, 'nothing more is sent to it');
  stream!.write(`${chunk('data: "two"\n\n')}0\r\n\r\n`);
  assert.match(await reader.until(/0\r\n\r\n$/), /"two"/);
});

test('(30) a worker whose tokens flow stays in, however its health check goes; one that is idle does not', async (t) => {
  let stream: Socket | undefined;
  const both = await fleet(
    t,
    [
      (_, socket) => {
        socket.write(STREAM_HEAD + chunk(EVENT));
        stream = socket;
      },
      good,
    ],
    ['--health-check-interval-secs', '1', '--health-failure-threshold', '1', '--health-check-timeout-secs', '1'],
  );
  const [busy] = both.workers;
  using reader = await rawClient(both.router.url);
  while (!stream) {
    reader.send('POST /generate HTTP/1.1\r\nhost: x\r\ncontent-length: 2\r\n\r\n{}');
    await reader.until(/(good|"one"\}\n\n\r\n)$/);
  }
  busy!.health = 'failing';
  const tokens = setInterval(() => stream?.write(chunk(EVENT)), 50);
  t.after(() => clearInterval(tokens));
  const before = busy!.healthChecks;
  await until(() => busy!.healthChecks > before + 1);
  assert.equal(available(both, busy!.url), true);
  clearInterval(tokens);
  await until(() => available(both, busy!.url) === false);
});

test('(31) a worker on IPv6', async () => {
  const { createServer } = await import('node:http');
  const server = createServer((_, response) => void response.end('six'));
  await new Promise<void>((resolve) => server.listen(0, '::1', resolve));
  const { port } = server.address() as import('node:net').AddressInfo;
  await using router = await testRouter([`http://[::1]:${port}`]);
  assert.equal(await (await post(router.url)).text(), 'six');
  server.close();
});

test('(31) a worker that answers with a web page: passed on as it is', async (t) => {
  const page = '<!doctype html><h1>502 Bad Gateway</h1>';
  const { router } = await fleet(t, [saying(ok(page, 'content-type: text/html'))]);
  const answer = await post(router.url);
  assert.deepEqual([answer.headers.get('content-type'), await answer.text()], ['text/html', page]);
});

// The names of another thread are out of this test's reach.
const skip = DATA_THREADS > 1;

test('(31) a worker whose name comes to mean another address is found there', { skip }, async (t) => {
  let address = '127.0.0.1';
  const lookup = dns.lookup;
  t.mock.method(dns, 'lookup', ((
    name: string,
    options: dns.LookupAllOptions,
    callback: (...args: unknown[]) => void,
  ) => {
    if (name !== 'engine.test') return lookup(name, options, callback);
    return process.nextTick(callback, null, options.all ? [{ address, family: 4 }] : address, 4);
  }) as typeof dns.lookup);
  const { createServer } = await import('node:http');
  const serve = async (host: string, port: number, text: string) => {
    const server = createServer((_, response) => void response.end(text));
    await new Promise<void>((resolve) => server.listen(port, host, resolve));
    return server;
  };
  const before = await serve('127.0.0.1', 0, 'before');
  const { port } = before.address() as import('node:net').AddressInfo;
  await using router = await testRouter([`http://engine.test:${port}`]);
  assert.equal(await (await post(router.url)).text(), 'before');
  const after = await serve('127.0.0.2', port, 'after');
  address = '127.0.0.2';
  before.close();
  before.closeAllConnections();
  assert.equal(await (await post(router.url)).text(), 'after');
  after.close();
  after.closeAllConnections();
});
