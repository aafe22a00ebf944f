import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { request as httpsRequest } from 'node:https';
import { type TestContext, test } from 'node:test';
import { connect as connectTls } from 'node:tls';
import { type Handler, listen, type ServerLimits } from '../../../src/http/edge/http-server.ts';
import { problemOf } from '../../../src/http/edge/listen-error.ts';
import { sendError, sendText } from '../../../src/http/respond.ts';
import { readServingPair } from '../../../src/http/tls-files.ts';
import { createLog } from '../../../src/observe/log/log.ts';
import { rawClient, sendRaw } from '../../helpers/raw-client.ts';
import { tlsFile } from '../../helpers/tls.ts';

const nothing: Handler = () => {};
const say = (reply: Parameters<Handler>[1], text: string) => sendText(reply, 200, text);
const quiet = createLog('critical', () => {});
const tls = readServingPair(tlsFile('server.pem'), tlsFile('server.key'));

async function serve(
  t: TestContext,
  handler: Handler,
  limits: Partial<ServerLimits> = {},
  log = quiet,
): Promise<string> {
  const server = await listen('127.0.0.1', 0, handler, { log, limits });
  t.after(() => server.close().closeAllConnections());
  return `http://127.0.0.1:${server.address().port}`;
}

const CLOSING = 'GET / HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\r\n';
const waits: (() => void)[] = [];
/** Answers `/wait` when `answerAll` is called, anything else at once. */
const whileWaiting: Handler = ({ url }, reply) => {
  if (url === '/wait') waits.push(() => say(reply, 'waited'));
  else say(reply, 'fine');
};
const answerAll = () => {
  for (const answer of waits.splice(0)) answer();
};

/** A client whose request is being served. */
async function waiting(url: string) {
  const { length } = waits;
  const client = await rawClient(url);
  client.send('GET /wait HTTP/1.1\r\nhost: a\r\n\r\n');
  while (waits.length === length) await new Promise(setImmediate);
  return client;
}

/** Status and JSON error of an answer as it came. */
function read(received: string): { status: number; code: string; closes: boolean } {
  const [head = '', body = ''] = received.split('\r\n\r\n');
  return {
    status: Number(head.split(' ')[1]),
    code: JSON.parse(body).error.code,
    closes: /^connection: close$/im.test(head),
  };
}

test('a port that is taken is refused with the name of its holder', async (t) => {
  const port = Number(new URL(await serve(t, nothing)).port);
  await assert.rejects(
    listen('127.0.0.1', port, nothing, { log: quiet }),
    (error: Error & { code: string; hint: string }) => {
      assert.equal(error.code, 'port_in_use');
      assert.match(
        error.message,
        new RegExp(
          `cannot listen on 127.0.0.1:${port}: the port is in use by this program itself, pid ${process.pid}$`,
        ),
      );
      assert.match(error.hint, /--port/);
      return true;
    },
  );
});

test('an address that is not ours is refused in words, with those that are', async () => {
  await assert.rejects(listen('198.51.100.77', 0, nothing, { log: quiet }), {
    code: 'usage',
    message: /198\.51\.100\.77:0: no network interface of this machine has that address$/,
    hint: /^it has 127\.0\.0\.1.*; --host 0\.0\.0\.0 is all of them$/,
  });
});

test('a name that nobody knows, a port without permission and a family that is missing have words of their own', async () => {
  await assert.rejects(listen('no-such-host.invalid', 0, nothing, { log: quiet }), {
    code: 'usage',
    message: /: the host name is not known$/,
    hint: /127\.0\.0\.1/,
  });
  assert.match(problemOf('EACCES', 80)?.join() ?? '', /below 1024 needs more rights.*from 1024 up/);
  assert.doesNotMatch(problemOf('EACCES', 8080)?.join() ?? '', /1024/);
  assert.match(problemOf('EAFNOSUPPORT', 80)?.join() ?? '', /no such kind of address/);
});

const HASTY: Partial<ServerLimits> = { headersTimeoutMs: 500, uploadTimeoutMs: 1_000, checkIntervalMs: 20 };

test('(20) headers that do not come in time: 408', async (t) => {
  const url = await serve(t, () => assert.fail('served'), HASTY);
  assert.deepEqual(read(await sendRaw(url, 'POST /generate HTTP/1.1\r\nhost: a\r\n')), {
    status: 408,
    code: 'request_timeout',
    closes: true,
  });
});

test('(20) a connection on which nothing comes is closed', async (t) => {
  const url = await serve(t, () => assert.fail('served'), HASTY);
  assert.equal(read(await sendRaw(url)).status, 408);
});

test('(20) a body that does not come in time: 408', async (t) => {
  const gone = Promise.withResolvers<void>();
  const handler: Handler = async (request, reply) => {
    const problem = await request.body(100).catch((error) => error);
    gone.resolve();
    sendError(reply, problem);
  };
  const url = await serve(t, handler, HASTY);
  const answer = await sendRaw(url, 'POST /generate HTTP/1.1\r\nhost: a\r\ncontent-length: 10\r\n\r\nhalf');
  assert.equal(read(answer).code, 'request_timeout');
  await gone.promise;
});

test('(20) a long answer is no slow request', async (t) => {
  const handler: Handler = (_, response) => {
    response.head(200, undefined, []);
    response.write(Buffer.from('first '));
    setTimeout(() => response.end(Buffer.from('last')), 1_500);
  };
  const url = await serve(t, handler, HASTY);
  assert.equal(await (await fetch(url, { method: 'POST', body: 'x' })).text(), 'first last');
});

test('(11) headers beyond the limit: 431', async (t) => {
  const url = await serve(t, () => assert.fail('served'), { maxHeaderBytes: 1_000 });
  assert.deepEqual(read(await sendRaw(url, `GET / HTTP/1.1\r\nhost: a\r\nx: ${'y'.repeat(1_000)}\r\n\r\n`)), {
    status: 431,
    code: 'headers_too_large',
    closes: true,
  });
});

test('(11) within the limit every header is there, however many', async (t) => {
  const url = await serve(t, ({ headers }, reply) => say(reply, String(Object.keys(headers).length)));
  const many = Array.from({ length: 5_000 }, (_, index) => `h${index}:1\r\n`).join('');
  const answer = await sendRaw(url, `GET / HTTP/1.1\r\nhost: a\r\nconnection: close\r\n${many}\r\n`);
  assert.match(answer, /\r\n\r\n5002$/);
});

for (const [what, headers] of [
  ['length and chunked', 'content-length: 3\r\ntransfer-encoding: chunked'],
  ['two lengths', 'content-length: 3\r\ncontent-length: 4'],
  ['a signed length', 'content-length: +3'],
  ['a header without a colon', 'x'],
]) {
  test(`(1)(2) refused: ${what}`, async (t) => {
    const url = await serve(t, () => assert.fail('served'));
    assert.deepEqual(read(await sendRaw(url, `POST / HTTP/1.1\r\nhost: a\r\n${headers}\r\n\r\nabc`)), {
      status: 400,
      code: 'bad_request',
      closes: true,
    });
  });
}

test('a request without a Host is told so, over HTTP/1.0 it needs none', async (t) => {
  const url = await serve(t, (_, response) => say(response, 'served'));
  const answer = await sendRaw(url, 'GET / HTTP/1.1\r\n\r\n');
  assert.deepEqual(read(answer), { status: 400, code: 'bad_request', closes: true });
  assert.match(answer, /expected one Host header, got 0/);
  assert.match(await sendRaw(url, 'GET / HTTP/1.0\r\n\r\n'), /\r\n\r\nserved$/);
});

test('garbage after a request does not get into the answer that runs', async (t) => {
  const url = await serve(t, (_, response) => {
    response.head(200, undefined, [], 9);
    response.write(Buffer.from('half'));
  });
  using client = await rawClient(url);
  client.send('GET / HTTP/1.1\r\nhost: a\r\n\r\n');
  await client.until(/half$/);
  client.send('\0garbage\r\n\r\n');
  assert.match(await client.closed(), /half$/);
});

test('(40) a handler that throws fails its request alone', async (t) => {
  const lines: string[] = [];
  const log = createLog('error', (line) => lines.push(line));
  const handler: Handler = async ({ url }, response) => {
    if (url === '/bad') throw new Error('broken');
    say(response, 'fine');
  };
  const url = await serve(t, handler, {}, log);
  const bad = await fetch(`${url}/bad`);
  assert.equal(bad.status, 500);
  assert.equal(((await bad.json()) as { error: { code: string } }).error.code, 'internal_error');
  assert.equal(await (await fetch(url)).text(), 'fine');
  assert.match(lines.join(''), /ERROR +a request failed in the router path=\/bad reason=.*broken/);
});

test('(39) connections beyond what the process can afford: 503, and served again when others are gone', async (t) => {
  const url = await serve(t, whileWaiting, { maxConnections: 2 });
  const others = [await waiting(url), await waiting(url)];
  const answer = read(await sendRaw(url, 'GET / HTTP/1.1\r\nhost: a\r\n\r\n'));
  assert.deepEqual(answer, { status: 503, code: 'too_many_connections', closes: true });
  others[0]?.socket.destroy();
  let status = 503;
  while (status === 503) ({ status } = await fetch(url));
  assert.equal(status, 200);
  others[1]?.socket.destroy();
});

test('a client whose connection was there is served though more have come than the process can afford', async (t) => {
  const url = await serve(t, whileWaiting, { maxConnections: 2 });
  using first = await waiting(url);
  using second = await waiting(url);
  assert.equal(read(await sendRaw(url, 'GET / HTTP/1.1\r\nhost: a\r\n\r\n')).status, 503);
  using third = await rawClient(url);
  answerAll();
  await first.until(/waited$/);
  first.send('GET / HTTP/1.1\r\nhost: a\r\n\r\n');
  await first.until(/fine$/);
  second.socket.destroy();
  third.socket.destroy();
});

test('connections on which nothing comes give their places to those that come', async (t) => {
  const url = await serve(t, (_, response) => say(response, 'fine'), { maxConnections: 2 });
  const silent = [await rawClient(url), await rawClient(url)];
  silent[1]?.send('GET / HTTP/1.1\r\nhost:');
  let status = 503;
  while (status === 503 && !t.signal.aborted) status = Number((await sendRaw(url, CLOSING)).split(' ')[1]);
  assert.equal(status, 200);
  await silent[0]?.closed();
  silent[1]?.socket.destroy();
});

test('connections far beyond what the process can afford are closed at once, with a line in the log', async (t) => {
  const lines: string[] = [];
  const log = createLog('warning', (line) => lines.push(line));
  const url = await serve(t, whileWaiting, { maxConnections: 1 }, log);
  using first = await waiting(url);
  const others = Array.from({ length: 80 }, () => rawClient(url));
  const clients = await Promise.all(others);
  t.after(() => {
    for (const { socket } of clients) socket.destroy();
  });
  await Promise.any(clients.map((client) => client.closed()));
  assert.match(lines.join(''), /connections are closed at once reason=.*ulimit -n/);
  answerAll();
  await first.until(/waited$/);
});

test('a client that neither ends its request nor reads the answer to it is cut off', async (t) => {
  const answered: Parameters<Handler>[1][] = [];
  const large = Buffer.alloc(64 * 2 ** 20);
  const handler: Handler = (_, reply) => {
    answered.push(reply);
    reply.send(404, 'text/plain', large);
  };
  const url = await serve(t, handler, HASTY);
  using client = await rawClient(url);
  client.socket.pause();
  client.send('POST / HTTP/1.1\r\nhost: a\r\ncontent-length: 10\r\n\r\n');
  while (answered.length === 0) await new Promise(setImmediate);
  await answered[0]?.flushed();
  assert.equal(answered[0]?.gone, true);
});

test('HTTPS with the given certificate', async (t) => {
  const server = await listen('127.0.0.1', 0, (_, response) => say(response, 'fine'), { log: quiet, tls });
  t.after(() => server.close().closeAllConnections());
  const { port } = server.address();
  const ca = readFileSync(tlsFile('ca.pem'));
  const text = await new Promise<string>((resolve, reject) => {
    const request = httpsRequest({ port, host: '127.0.0.1', ca, agent: false }, (response) => {
      response.setEncoding('utf8').on('data', resolve);
    });
    request.on('error', reject).end();
  });
  assert.equal(text, 'fine');
  assert.equal(await sendRaw(`http://127.0.0.1:${port}`, 'GET / HTTP/1.1\r\nhost: a\r\n\r\n'), '');
});

test('a client that leaves within its TLS handshake takes nobody the place', async (t) => {
  const limits = { maxConnections: 1 };
  const server = await listen('127.0.0.1', 0, (_, response) => say(response, 'fine'), { log: quiet, tls, limits });
  t.after(() => server.close().closeAllConnections());
  const { port } = server.address();
  const url = `http://127.0.0.1:${port}`;
  const silent = await Promise.all(Array.from({ length: 65 }, () => rawClient(url)));
  for (const { socket } of silent) socket.destroy();
  let received = '';
  while (received === '' && !t.signal.aborted) {
    const socket = connectTls({ port, host: '127.0.0.1', rejectUnauthorized: false }).on('error', () => {});
    socket.on('secureConnect', () => socket.write(CLOSING));
    await new Promise<void>((resolve) =>
      socket
        .setEncoding('utf8')
        .on('data', (text: string) => {
          received += text;
        })
        .on('close', () => resolve()),
    );
  }
  assert.match(received, /fine$/);
});

test('(20) a TLS connection on which nothing comes is closed', async (t) => {
  const server = await listen('127.0.0.1', 0, nothing, { log: quiet, tls, limits: HASTY });
  t.after(() => server.close().closeAllConnections());
  const { port } = server.address();
  assert.equal(await sendRaw(`http://127.0.0.1:${port}`), '');
  const socket = connectTls({ port, host: '127.0.0.1', rejectUnauthorized: false });
  let received = '';
  for await (const chunk of socket.setEncoding('utf8')) received += chunk;
  assert.equal(read(received).status, 408);
});
