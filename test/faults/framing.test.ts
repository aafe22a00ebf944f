import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { rawClient, sendRaw } from '../helpers/raw-client.ts';
import { ok, type RecordingWorker, type Respond, recordingWorker } from '../helpers/recording-worker.ts';
import { valuesOf } from '../helpers/strict-http.ts';
import { type TestRouter, testRouter, until } from '../helpers/test-router.ts';

/** What an attacker wants the worker to take for a request of its own. */
const SMUGGLED = 'POST /smuggled HTTP/1.1\r\nhost: x\r\ncontent-length: 0\r\n\r\n';
const crlf = (...lines: readonly string[]) => lines.join('\r\n');
const post = (headers: string, body: string) => `POST /generate HTTP/1.1\r\nhost: x\r\n${headers}\r\n\r\n${body}`;

interface Pair {
  readonly worker: RecordingWorker;
  readonly router: TestRouter;
}

/** A recording worker behind a router; both end with the test. */
async function pair(t: TestContext, respond?: Respond, flags: readonly string[] = []): Promise<Pair> {
  const worker = await recordingWorker(respond);
  const router = await testRouter([worker.url], flags);
  t.after(async () => {
    await router[Symbol.asyncDispose]();
    await worker.close();
  });
  return { worker, router };
}

/** Each of `shapes` is answered with one of `statuses` and the connection closed; the worker gets nothing of it. */
async function refused({ worker, router }: Pair, shapes: readonly string[], statuses = [400]): Promise<void> {
  for (const shape of shapes) {
    using client = await rawClient(router.url);
    client.send(shape);
    const status = Number(/^HTTP\/1\.1 (\d+)/.exec(await client.until(/^HTTP\/1\.1 \d+ /))?.[1]);
    assert.ok(statuses.includes(status), `${JSON.stringify(shape.slice(0, 200))} was answered ${client.received}`);
    // Without it the router waits for the rest of a body that it will not read.
    client.socket.end();
    const answer = await client.closed();
    const words = `${JSON.stringify(shape.slice(0, 200))} was answered ${JSON.stringify(answer.slice(0, 200))}`;
    assert.equal(answer.split(/HTTP\/1\.1 \d{3} /).length, 2, `one answer: ${words}`);
  }
  await sawNothingBut({ worker, router }, 0);
}

/** The worker read `count` requests, and no byte beside them. A last request proves that nothing is still on its way. */
async function sawNothingBut({ worker, router }: Pair, count: number): Promise<void> {
  const answer = await fetch(`${router.url}/probe`);
  assert.equal(answer.status, 200);
  await answer.text();
  const targets = worker.requests.map(({ target }) => target);
  assert.deepEqual([targets.length, targets.at(-1), worker.unread], [count + 1, '/probe', 0], String(targets));
  assert.deepEqual(worker.problems, []);
}

test('(1) Content-Length and Transfer-Encoding together: 400, closed, nothing upstream', async (t) => {
  const both = (cl: string, te: string) => crlf(`content-length: ${cl}`, `transfer-encoding: ${te}`);
  await refused(await pair(t), [
    post(both('6', 'chunked'), `0\r\n\r\n${SMUGGLED}`),
    post(both('4', 'chunked'), `${SMUGGLED.length.toString(16)}\r\n${SMUGGLED}\r\n0\r\n\r\n`),
    post(crlf('transfer-encoding: chunked', 'content-length: 6'), `0\r\n\r\n${SMUGGLED}`),
    post(both('6', 'identity'), `0\r\n\r\n${SMUGGLED}`),
    post(both('0', 'chunked'), `0\r\n\r\n${SMUGGLED}`),
    post(both('6', 'xchunked'), `0\r\n\r\n${SMUGGLED}`),
  ]);
});

test('(2) Content-Length that is no single number: 400', async (t) => {
  const odd = ['+5', '-5', '0x5', '5,5', '5, 6', '', '5 5', '5.0', '1e1', '٥', '99999999999999999999', '"5"', '5;'];
  await refused(await pair(t), [
    ...odd.map((value) => post(`content-length: ${value}`, `hello${SMUGGLED}`)),
    post(crlf('content-length: 5', 'content-length: 6'), `hello!${SMUGGLED}`),
    post(crlf('content-length: 5', 'Content-Length: 5'), `hello${SMUGGLED}`),
  ]);
});

test('(3) Transfer-Encoding that is not exactly one "chunked": refused', async (t) => {
  const names = [
    'chunked, identity',
    'xchunked',
    'identity',
    'chunked, chunked',
    'chunked;q=1',
    '"chunked"',
    '\x0bchunked',
  ];
  const codings = names.map((coding) => `transfer-encoding: ${coding}`);
  const lines = [
    crlf('transfer-encoding: chunked', 'transfer-encoding: identity'),
    crlf('transfer-encoding: chunked', 'transfer-encoding: chunked'),
    crlf('transfer-encoding: identity', 'transfer-encoding: chunked'),
    'transfer-encoding : chunked',
    'transfer-encoding\t: chunked',
    ' transfer-encoding: chunked',
    crlf('x-a: b', ' transfer-encoding: chunked'),
    crlf('transfer-encoding:', ' chunked'),
    crlf('transfer-encoding: chun', '\tked'),
    'transfer-encoding\x0b: chunked',
    'transfer-encoding: gzip, chunked',
    'transfer-encoding: gzip',
  ];
  await refused(
    await pair(t),
    [...codings, ...lines].map((line) => post(line, `0\r\n\r\n${SMUGGLED}`)),
    [400, 501],
  );
});

test('(3) chunked over HTTP/1.0, which does not know it: 400', async (t) => {
  await refused(await pair(t), [
    `POST /generate HTTP/1.0\r\nhost: x\r\nconnection: keep-alive\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n${SMUGGLED}`,
  ]);
});

test('(4) bare LF, bare CR and NUL where only CRLF may be: 400', async (t) => {
  await refused(await pair(t), [
    `POST /generate HTTP/1.1\nhost: x\r\ncontent-length: 0\r\n\r\n${SMUGGLED}`,
    `POST /generate HTTP/1.1\r\nhost: x\ncontent-length: 0\r\n\r\n${SMUGGLED}`,
    `POST /generate HTTP/1.1\r\nhost: x\r\ncontent-length: 0\n\n${SMUGGLED}`,
    post('x-a: b\rtransfer-encoding: chunked', SMUGGLED),
    post('x-a: b\r\rcontent-length: 5', SMUGGLED),
    post('x-a: b\ntransfer-encoding: chunked', SMUGGLED),
    post('x-a: b\0c\r\ncontent-length: 0', SMUGGLED),
    post('x-\0a: b\r\ncontent-length: 0', SMUGGLED),
    `POST /gen\0erate HTTP/1.1\r\nhost: x\r\ncontent-length: 0\r\n\r\n${SMUGGLED}`,
    post('no colon here', SMUGGLED),
    post(': no name', SMUGGLED),
    post('x a: b', SMUGGLED),
  ]);
});

test('(5) chunks that are not framed as RFC 9112 has it: refused', async (t) => {
  const chunked = (body: string) => post('transfer-encoding: chunked', body);
  await refused(await pair(t), [
    chunked(`0x2\r\n{}\r\n0\r\n\r\n${SMUGGLED}`),
    chunked(`+2\r\n{}\r\n0\r\n\r\n${SMUGGLED}`),
    chunked(`-2\r\n{}\r\n0\r\n\r\n${SMUGGLED}`),
    chunked(` 2\r\n{}\r\n0\r\n\r\n${SMUGGLED}`),
    chunked(`\r\n{}\r\n0\r\n\r\n${SMUGGLED}`),
    chunked(`2\n{}\r\n0\r\n\r\n${SMUGGLED}`),
    chunked(`2\r\n{}\n0\r\n\r\n${SMUGGLED}`),
    chunked(`2\r\n{}x\r\n0\r\n\r\n${SMUGGLED}`),
    chunked(`2;a\nb\r\n{}\r\n0\r\n\r\n${SMUGGLED}`),
    chunked(`2;a\rb\r\n{}\r\n0\r\n\r\n${SMUGGLED}`),
    chunked(`10000000000000002\r\n{}\r\n0\r\n\r\n${SMUGGLED}`),
    chunked(`0\r\nno colon\r\n\r\n${SMUGGLED}`),
    chunked(`0\r\nx : y\r\n\r\n${SMUGGLED}`),
    chunked(`0\r\nx: a\nb\r\n\r\n${SMUGGLED}`),
  ]);
});

test('(5) chunk extensions and trailers have a size limit, and neither reaches the worker', async (t) => {
  const both = await pair(t);
  const huge = 'e'.repeat(100_000);
  for (const body of [`2;${huge}\r\n{}\r\n0\r\n\r\n`, `2\r\n{}\r\n0\r\nx-t: ${huge}\r\n\r\n`]) {
    const answer = await sendRaw(both.router.url, post('transfer-encoding: chunked', body));
    assert.match(answer, /^HTTP\/1\.1 4(13|31|00) /);
  }
  await sawNothingBut(both, 0);
  const small = '2;ext=1\r\n{}\r\n0\r\nx-trailer: t\r\nhost: evil\r\n\r\n';
  const answer = await sendRaw(both.router.url, post('connection: close\r\ntransfer-encoding: chunked', small));
  assert.match(answer, /^HTTP\/1\.1 200 /);
  await sawNothingBut(both, 2);
  const request = both.worker.requests[1]!;
  assert.equal(request.body.toString(), '{}');
  assert.deepEqual(valuesOf(request.headers, 'x-trailer'), []);
  assert.deepEqual(valuesOf(request.headers, 'content-length'), ['2']);
});

test('(6) what follows a request refused early with 413 is not executed', async (t) => {
  const both = await pair(t, undefined, ['--max-payload-size', '1000']);
  const big = 'x'.repeat(2_000);
  await refused(
    both,
    [
      post('content-length: 2000', SMUGGLED),
      post('content-length: 2000', big + SMUGGLED),
      post('transfer-encoding: chunked', `7d0\r\n${big}\r\n0\r\n\r\n${SMUGGLED}`),
    ],
    [413],
  );
});

test('(7) a body on GET, HEAD and DELETE is framed as any other', async (t) => {
  const both = await pair(t);
  using client = await rawClient(both.router.url);
  for (const method of ['GET', 'DELETE', 'HEAD', 'OPTIONS']) {
    client.send(`${method} /${method} HTTP/1.1\r\nhost: x\r\ncontent-length: ${SMUGGLED.length}\r\n\r\n${SMUGGLED}`);
    client.send(`${method} /${method} HTTP/1.1\r\nhost: x\r\ntransfer-encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\n\r\n`);
  }
  client.send('GET /last HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n');
  const answer = await client.closed();
  assert.equal(answer.split('HTTP/1.1 200 ').length - 1, 9, answer);
  await sawNothingBut(both, 9);
  const bodies = new Set(both.worker.requests.slice(0, 8).map(({ body }) => body.toString()));
  assert.deepEqual(bodies, new Set([SMUGGLED, '{}']));
});

test('(8) hop-by-hop headers, and those that Connection names, end at the router both ways', async (t) => {
  const both = await pair(t, (_, socket) => {
    const hop = ['connection: x-hop, keep-alive', 'keep-alive: timeout=9', 'proxy-authenticate: b', 'upgrade: h2c'];
    socket.write(ok('fine', ...hop, 'x-hop: 1', 'trailer: x', 'x-end: kept', 'te: trailers'));
  });
  const headers = crlf(
    'Connection: close, X-Foo',
    'connection: x-bar',
    'X-Foo: secret',
    'x-bar: secret',
    'te: trailers',
    'keep-alive: 5',
    'proxy-authorization: secret',
    'proxy-connection: x',
    'upgrade: websocket',
    'trailer: x',
    'x-kept: yes',
    'content-length: 2',
  );
  const answer = await sendRaw(both.router.url, post(headers, '{}'));
  assert.match(answer, /^HTTP\/1\.1 200 OK\r\n/);
  assert.match(answer, /\r\nx-end: kept\r\n/);
  assert.doesNotMatch(answer, /x-hop|timeout=9|proxy-authenticate|upgrade|trailer/i);
  const [request] = both.worker.requests;
  assert.deepEqual(valuesOf(request!.headers, 'x-kept'), ['yes']);
  const names = request!.headers.map(([name]) => name.toLowerCase());
  for (const gone of ['x-foo', 'x-bar', 'te', 'keep-alive', 'proxy-authorization', 'upgrade', 'trailer']) {
    assert.ok(!names.includes(gone), gone);
  }
  assert.equal(new Set(names).size, names.length, `each name once: ${names}`);
  assert.deepEqual(valuesOf(request!.headers, 'transfer-encoding'), []);
});

test('(9) Expect: 100-continue is answered by the router, and the worker never sees it', async (t) => {
  const both = await pair(t);
  using client = await rawClient(both.router.url);
  client.send(post(crlf('expect: 100-continue', 'content-length: 2', 'connection: close'), ''));
  await client.until(/^HTTP\/1\.1 100 Continue\r\n\r\n/);
  assert.equal(both.worker.requests.length, 0);
  client.send('{}');
  assert.match(await client.closed(), /\r\n\r\nHTTP\/1\.1 200 OK\r\n/);
  assert.deepEqual(valuesOf(both.worker.requests[0]!.headers, 'expect'), []);
  await sawNothingBut(both, 1);
});

test('(9) an unknown expectation: 417', async (t) => {
  const both = await pair(t);
  using client = await rawClient(both.router.url);
  client.send(post(crlf('expect: miracles', 'content-length: 2', 'connection: close'), '{}'));
  assert.match(await client.closed(), /^HTTP\/1\.1 417 /);
  await sawNothingBut(both, 0);
});

test('(10) request targets never leave the worker that was chosen, nor gain a header', async (t) => {
  const both = await pair(t);
  const targets: readonly (readonly [sent: string, seen: string])[] = [
    ['http://evil.invalid/p?q=1', '/p?q=1'],
    ['http://user:pass@evil.invalid/p', '/p'],
    ['http://evil.invalid:80/p', '/p'],
    ['HTTP://EVIL.invalid/P', '/P'],
    ['//evil.invalid/p', '//evil.invalid/p'],
    ['/%2e%2e/%2e%2e/etc', '/%2e%2e/%2e%2e/etc'],
    ['/../../etc', '/../../etc'],
    ['/a%0d%0ax-evil:%201', '/a%0d%0ax-evil:%201'],
    ['/a?b=%0d%0a%0d%0aPOST%20/smuggled', '/a?b=%0d%0a%0d%0aPOST%20/smuggled'],
    ['/a?b=http://evil.invalid/', '/a?b=http://evil.invalid/'],
  ];
  // Without a path it is the router's own front page.
  for (const [sent] of [...targets, ['http://evil.invalid'], ['http://evil.invalid?q']] as const) {
    const answer = await sendRaw(both.router.url, `GET ${sent} HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n`);
    assert.match(answer, /^HTTP\/1\.1 200 /, `${sent}: ${answer}`);
  }
  assert.deepEqual(
    both.worker.requests.map(({ target }) => target),
    targets.map(([, seen]) => seen),
  );
  for (const { headers } of both.worker.requests) {
    assert.deepEqual(valuesOf(headers, 'host'), [`127.0.0.1:${both.worker.port}`]);
    assert.deepEqual(valuesOf(headers, 'x-evil'), []);
  }
});

test('(10) request lines with white space, control characters or another protocol: 400', async (t) => {
  const line = (text: string) => `${text}\r\nhost: x\r\ncontent-length: 0\r\n\r\n${SMUGGLED}`;
  await refused(await pair(t), [
    line('GET /a\r\nx-evil: 1 HTTP/1.1'),
    line('GET /a b HTTP/1.1'),
    line('GET\t/a HTTP/1.1'),
    line('GET /a\tHTTP/1.1'),
    line('GET /a\x01 HTTP/1.1'),
    line('GET /a HTTP/1.2'),
    line('GET /a HTTP/2.0'),
    line('GET /a HTTP/1.1 '),
    line('GET /a FTP/1.1'),
    line('get /a HTTP/1.1'),
    line('NOSUCH /a HTTP/1.1'),
    line('GET a HTTP/1.1'),
    `GET /a HTTP/1.1\r\n\r\n${SMUGGLED}`,
    'PRI * HTTP/2.0\r\nhost: x\r\n\r\n',
  ]);
});

test('(10) more than one Host: 400', async (t) => {
  await refused(await pair(t), [post(crlf('host: y', 'content-length: 0'), SMUGGLED)]);
});

test('(10) CONNECT opens no tunnel', async (t) => {
  const both = await pair(t);
  const answer = await sendRaw(both.router.url, `CONNECT evil.invalid:80 HTTP/1.1\r\nhost: x\r\n\r\n${SMUGGLED}`);
  assert.doesNotMatch(answer, /^HTTP\/1\.1 [23]/);
  await sawNothingBut(both, 0);
});

test('(11) too large and too many headers: 431, closed', async (t) => {
  const many = (count: number) => crlf(...Array.from({ length: count }, (_, i) => `a${i}:b`));
  await refused(
    await pair(t),
    [
      post(`x-big: ${'b'.repeat(100_000)}`, SMUGGLED),
      `GET /${'u'.repeat(100_000)} HTTP/1.1\r\nhost: x\r\n\r\n${SMUGGLED}`,
      post(many(20_000), SMUGGLED),
    ],
    [431],
  );
});

/** Bytes of a worker's answer, whether it leaves the connection fit for another request, and what the client may see. */
interface Splitting {
  readonly what: string;
  readonly bytes: string;
  readonly close?: boolean;
  readonly client: RegExp;
}

const POISON = ok('poison', 'x-poison: 1');

const SPLITTINGS: readonly Splitting[] = [
  {
    what: 'a body shorter than its length',
    bytes: 'HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\nshort',
    close: true,
    client: /^$|^HTTP\/1\.1 50[024] |^HTTP\/1\.1 200 OK\r\ncontent-length: 9\r\n[\s\S]*\r\n\r\nshort$/,
  },
  {
    what: 'a body longer than its length',
    bytes: `HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok${POISON}`,
    client: /^HTTP\/1\.1 200 OK\r\n[\s\S]*\r\n\r\nok$/,
  },
  {
    what: 'no last chunk',
    bytes: 'HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n2\r\nok\r\n',
    close: true,
    client: /^$|^HTTP\/1\.1 50[024] |^HTTP\/1\.1 200 OK\r\n(?![\s\S]*\r\n0\r\n\r\n)/,
  },
  {
    what: 'a broken chunk',
    bytes: 'HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\nzz\r\nok\r\n0\r\n\r\n',
    client: /^$|^HTTP\/1\.1 502 |^HTTP\/1\.1 200 OK\r\n(?![\s\S]*\r\n0\r\n\r\n)/,
  },
  {
    what: 'a length and chunks',
    bytes: 'HTTP/1.1 200 OK\r\ncontent-length: 3\r\ntransfer-encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n',
    client: /^HTTP\/1\.1 502 /,
  },
  {
    what: 'two lengths',
    bytes: 'HTTP/1.1 200 OK\r\ncontent-length: 2\r\ncontent-length: 3\r\n\r\nok!',
    client: /^HTTP\/1\.1 502 /,
  },
  {
    what: 'a 204 with a body',
    bytes: `HTTP/1.1 204 No Content\r\ncontent-length: ${POISON.length}\r\n\r\n${POISON}`,
    client: /^HTTP\/1\.1 (204|502) (?![\s\S]*poison)/,
  },
  {
    what: 'garbage after the body',
    bytes: `${ok('ok')}garbage\r\n\r\n`,
    client: /^HTTP\/1\.1 200 OK\r\n[\s\S]*\r\n\r\nok$/,
  },
  { what: 'a whole second answer', bytes: `${ok('ok')}${POISON}`, client: /^HTTP\/1\.1 200 OK\r\n[\s\S]*\r\n\r\nok$/ },
  {
    what: 'a header with a bare LF',
    bytes: 'HTTP/1.1 200 OK\r\nx-a: b\ncontent-length: 2\r\n\r\nok',
    client: /^HTTP\/1\.1 502 /,
  },
  {
    what: 'a header with NUL',
    bytes: 'HTTP/1.1 200 OK\r\nx-a: \0\r\ncontent-length: 2\r\n\r\nok',
    client: /^HTTP\/1\.1 502 /,
  },
  {
    what: 'interim answers before the answer',
    bytes: `HTTP/1.1 102 Processing\r\n\r\nHTTP/1.1 103 Early Hints\r\nlink: x\r\n\r\n${ok('ok')}`,
    client: /^HTTP\/1\.1 200 OK\r\n[\s\S]*\r\n\r\nok$/,
  },
  {
    what: 'a protocol switch nobody asked for',
    bytes: 'HTTP/1.1 101 Switching Protocols\r\nconnection: upgrade\r\nupgrade: websocket\r\n\r\n',
    client: /^HTTP\/1\.1 502 /,
  },
  {
    what: 'headers without end',
    bytes: `HTTP/1.1 200 OK\r\nx-big: ${'b'.repeat(1_000_000)}`,
    client: /^HTTP\/1\.1 502 /,
  },
];

for (const { what, bytes, close, client } of SPLITTINGS) {
  test(`(12) a worker that sends ${what}: no poisoned answer for anyone after it`, async (t) => {
    const both = await pair(
      t,
      ({ target }, socket) => {
        if (target !== '/generate') socket.write(ok(target));
        else if (close) socket.end(bytes, 'latin1');
        else socket.write(bytes, 'latin1');
      },
      ['--disable-retries', '--cb-failure-threshold', '1000'],
    );
    assert.match(await sendRaw(both.router.url, post(crlf('connection: close', 'content-length: 2'), '{}')), client);
    for (let i = 0; i < 5; i++) {
      const answer = await fetch(`${both.router.url}/after-${i}`);
      assert.equal(await answer.text(), `/after-${i}`, `request ${i} after it`);
    }
    assert.equal(both.worker.requests.filter(({ target }) => target === '/generate').length, 1, 'sent once');
    await until(() => both.router.router.registry.workers[0]?.load === 0);
  });
}
