import assert from 'node:assert/strict';
import type { IncomingHttpHeaders } from 'node:http';
import { test } from 'node:test';
import { unchunked } from '../../../src/http/unchunked.ts';
import { AnswerParser } from '../../../src/http/upstream/answer-parser.ts';
import { seededRandom } from '../../helpers/seeded-random.ts';
import { readResponse } from '../../helpers/strict-http.ts';

interface Read {
  status?: number;
  statusText?: string;
  headers?: IncomingHttpHeaders;
  body: string;
  /** Whether the connection may be used again, once the answer is whole. */
  reusable?: boolean;
  error?: string;
}

interface Reading {
  readonly toHead?: boolean;
  readonly offered?: string | undefined;
  /** The connection ends after the last piece. */
  readonly closes?: boolean;
  /** Data after which reading pauses until the next piece was fed, or the end. */
  readonly pauses?: boolean;
}

/** What a parser makes of an answer that comes in these pieces: the same whether chunks are told one by one or as they came. */
function read(pieces: readonly (string | Buffer)[], reading: Reading = {}): Read {
  const result = readAs(pieces, reading, false);
  assert.deepEqual(readAs(pieces, reading, true), result);
  return result;
}

function readAs(
  pieces: readonly (string | Buffer)[],
  { toHead = false, offered, closes = false, pauses = false }: Reading,
  passesChunks: boolean,
): Read {
  const result: Read = { body: '' };
  const parser = new AnswerParser({
    head: (status, headers, statusText) => Object.assign(result, { status, headers: { ...headers }, statusText }),
    switched: (protocol) => Object.assign(result, { protocol }),
    data: (chunk) => {
      result.body += chunk.toString('latin1');
      if (pauses) parser.pause();
    },
    passesChunks,
    chunks: (coded, bytes) => {
      const body = unchunked(coded);
      assert.equal(body.length, bytes);
      result.body += body.toString('latin1');
      if (pauses) parser.pause();
    },
    end: (reusable) => {
      assert.equal(result.reusable, undefined, 'told of its end twice');
      result.reusable = reusable;
    },
  });
  parser.expect(toHead, offered);
  try {
    for (const piece of pieces) {
      parser.feed(Buffer.from(piece as string, 'latin1'));
      while (pauses && parser.paused) parser.resume();
    }
    if (closes && result.reusable === undefined) parser.finish();
  } catch (error) {
    assert.equal((error as Error).name, 'HTTPParserError');
    result.error = (error as Error).message;
  }
  return result;
}

const HEAD = 'HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\n';

test('a body of declared length, one of chunks, one that ends with the connection', () => {
  const declared = read([`${HEAD}Content-Length: 5\r\n\r\nhello`]);
  assert.deepEqual(declared, {
    status: 200,
    statusText: 'OK',
    headers: { 'content-type': 'text/plain', 'content-length': '5' },
    body: 'hello',
    reusable: true,
  });
  const chunked = read([
    `${HEAD}transfer-encoding: Chunked\r\n\r\n3\r\nhel\r\n2;a=b\r\nlo\r\n0\r\nx-trailer: 1\r\n\r\n`,
  ]);
  assert.deepEqual([chunked.body, chunked.reusable], ['hello', true]);
  const open = read([`${HEAD}\r\nhel`, 'lo'], { closes: true });
  assert.deepEqual([open.body, open.reusable], ['hello', false]);
});

test('answers without a body, whatever their headers say', () => {
  for (const status of ['204 No Content', '304 Not Modified']) {
    assert.deepEqual(read([`HTTP/1.1 ${status}\r\ncontent-length: 7\r\n\r\n`]).reusable, true);
  }
  assert.equal(read([`${HEAD}content-length: 7\r\n\r\n`], { toHead: true }).reusable, true);
  assert.equal(read([`${HEAD}transfer-encoding: chunked\r\n\r\n`], { toHead: true }).reusable, true);
  assert.equal(read([`${HEAD}content-length: 0\r\n\r\n`]).reusable, true);
});

test('the connection is used again only where both sides can know where the answer ended', () => {
  const reusable = (...pieces: string[]) => read(pieces).reusable;
  assert.equal(reusable(`${HEAD}connection: close\r\ncontent-length: 0\r\n\r\n`), false);
  assert.equal(reusable(`${HEAD}connection: x, Close\r\ncontent-length: 0\r\n\r\n`), false);
  assert.equal(reusable('HTTP/1.0 200 OK\r\ncontent-length: 0\r\n\r\n'), false);
  assert.equal(reusable('HTTP/1.0 200 OK\r\nconnection: keep-alive\r\ncontent-length: 0\r\n\r\n'), true);
  assert.equal(reusable(`${HEAD}content-length: 2\r\n\r\nhiHTTP/1.1 200 OK\r\n`), false, 'more than was asked for');
  assert.equal(reusable(`${HEAD}transfer-encoding: chunked\r\n\r\n0\r\n\r\nx`), false);
});

test('interim answers are left out, but for too many and for a switch of protocols', () => {
  const interim = 'HTTP/1.1 103 Early Hints\r\nlink: x\r\n\r\n';
  const { status, body, headers } = read([`${interim}HTTP/1.1 100\r\n\r\n${HEAD}content-length: 2\r\n\r\nhi`]);
  assert.deepEqual([status, body, headers?.link], [200, 'hi', undefined]);
  assert.match(read([interim.repeat(17)]).error ?? '', /interim/);
  assert.match(read(['HTTP/1.1 101 Switching Protocols\r\n\r\n']).error ?? '', /switch of protocols/);
});

test('several headers of a name come as a list', () => {
  const { headers } = read([`${HEAD}Set-Cookie: a\r\nset-cookie: b\r\ncontent-length: 0\r\n\r\n`]);
  assert.deepEqual(headers?.['set-cookie'], ['a', 'b']);
});

test('headers may have the names that objects have', () => {
  const { headers } = read([`${HEAD}constructor: a\r\n__proto__: b\r\n__proto__: c\r\ncontent-length: 0\r\n\r\n`]);
  const seen = Object.entries(headers ?? {}).filter(([name]) => name === 'constructor' || name === '__proto__');
  assert.deepEqual(seen, [
    ['constructor', 'a'],
    ['__proto__', ['b', 'c']],
  ]);
});

for (const [what, answer] of [
  ['another protocol', 'SSH-2.0-OpenSSH_9\r\n'],
  ['HTTP/2', 'HTTP/2 200 OK\r\n\r\n'],
  ['a status of two digits', 'HTTP/1.1 20 OK\r\n\r\n'],
  ['a lone LF after the status line', 'HTTP/1.1 200 OK\ncontent-length: 0\r\n\r\n'],
  ['a head of lone LFs, after which nothing comes', 'HTTP/1.1 200 OK\ncontent-length: 0\n\n'],
  ['a folded header', `${HEAD}x: a\r\n b\r\ncontent-length: 0\r\n\r\n`],
  ['a space before the colon', `${HEAD}content-length : 0\r\n\r\n`],
  ['a header without a name', `${HEAD}: 0\r\n\r\n`],
  ['a header without a colon', `${HEAD}content-length\r\n\r\n`],
  ['a NUL in a value', `${HEAD}x: a\0b\r\n\r\n`],
  ['both framings', `${HEAD}content-length: 5\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n`],
  ['another coding', `${HEAD}transfer-encoding: gzip, chunked\r\n\r\n0\r\n\r\n`],
  ['two transfer-encodings', `${HEAD}transfer-encoding: chunked\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n`],
  ['chunks from HTTP/1.0', 'HTTP/1.0 200 OK\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n'],
  ['two lengths', `${HEAD}content-length: 5\r\ncontent-length: 5\r\n\r\nhello`],
  ['a length with a sign', `${HEAD}content-length: +5\r\n\r\nhello`],
  ['a length of many digits', `${HEAD}content-length: 9999999999999999\r\n\r\n`],
  ['a chunk size with a sign', `${HEAD}transfer-encoding: chunked\r\n\r\n-1\r\n`],
  ['a chunk size that is too large', `${HEAD}transfer-encoding: chunked\r\n\r\n20000000000000\r\n`],
  ['an empty chunk size', `${HEAD}transfer-encoding: chunked\r\n\r\n\r\n`],
  ['a chunk size with a lone LF', `${HEAD}transfer-encoding: chunked\r\n\r\n1\na\r\n`],
  ['a chunk that is longer than it says', `${HEAD}transfer-encoding: chunked\r\n\r\n1\r\nab\r\n`],
  ['a head that does not end', `${HEAD}x: ${'a'.repeat(70_000)}`],
  ['a chunk extension that does not end', `${HEAD}transfer-encoding: chunked\r\n\r\n1;${'a'.repeat(5_000)}`],
  ['trailers that do not end', `${HEAD}transfer-encoding: chunked\r\n\r\n0\r\n${'a: b\r\n'.repeat(4_000)}`],
] as const) {
  test(`refused: ${what}`, () => {
    assert.match(read([answer]).error ?? '', /^expected /);
    assert.match(read(Array.from(answer)).error ?? '', /^expected /, 'byte by byte');
  });
}

test('a switch of protocols is one of those that were offered, and all that follows is data', () => {
  const to = (protocol: string) => `HTTP/1.1 101 Switching Protocols\r\nconnection: upgrade\r\n${protocol}\r\n`;
  const switched = read([to('upgrade: WebSocket\r\n'), 'HTTP/1.1 ', '\0\xff'], { offered: 'other/2, websocket' });
  assert.deepEqual(switched, { protocol: 'WebSocket', body: 'HTTP/1.1 \0\xff' });
  assert.equal(read([to('upgrade: websocket\r\n'), 'end'], { offered: 'websocket', closes: true }).reusable, false);
  for (const [offered, given] of [
    ['websocket', ''],
    ['websocket', 'upgrade: h2c\r\n'],
    ['websocket', 'upgrade: web\r\n'],
    [undefined, 'upgrade: websocket\r\n'],
  ] as const) {
    assert.match(read([to(given)], { offered }).error ?? '', /^expected .* switch /, `${offered} ${given}`);
  }
});

test('whole chunks are told together as they came; what is more or less than that is read by itself', () => {
  const told: string[] = [];
  const parser = new AnswerParser({
    head() {},
    switched() {},
    data: (chunk) => told.push(`data ${chunk}`),
    passesChunks: true,
    chunks: (coded, bytes, count) => told.push(`${count} chunks, ${bytes} bytes: ${coded}`),
    end: () => told.push('end'),
  });
  parser.expect(false);
  parser.feed(Buffer.from(`${HEAD}transfer-encoding: chunked\r\n\r\n`));
  for (const piece of [
    '3\r\none\r\n0A\r\n0123456789\r\n',
    '3\r\ntwo\r\n5\r\nth',
    'ree\r\n',
    '1;a=b\r\n',
    'x\r\n0\r\n\r\n',
  ])
    parser.feed(Buffer.from(piece));
  assert.deepEqual(told, [
    '2 chunks, 13 bytes: 3\r\none\r\n0A\r\n0123456789\r\n',
    '1 chunks, 3 bytes: 3\r\ntwo\r\n',
    'data th',
    'data ree',
    'data x',
    'end',
  ]);
});

test('bytes that nobody asked for are an error', () => {
  const parser = new AnswerParser({
    head() {},
    switched() {},
    data() {},
    passesChunks: false,
    chunks() {},
    end() {},
  });
  assert.throws(() => parser.feed(Buffer.from('HTTP/1.1 408 Request Timeout\r\n\r\n')), /nothing was asked/);
});

test('an answer that is cut short is not whole', () => {
  const whole = `${HEAD}transfer-encoding: chunked\r\n\r\n3\r\nhel\r\n0\r\n\r\n`;
  for (let length = 1; length < whole.length; length++) {
    assert.equal(
      read([whole.slice(0, length)], { closes: true }).reusable,
      undefined,
      JSON.stringify(whole.slice(0, length)),
    );
  }
});

test('any answer, cut anywhere, paused or not, is read as a strict reader reads it', () => {
  let whole = 0;
  let refused = 0;
  for (let seed = 1; seed <= 20_000; seed++) {
    const random = seededRandom(seed);
    const answer = mutated(randomAnswer(random), random);
    const toHead = random() < 0.1;
    const reading = { toHead, closes: true };
    const expected = strictly(answer, toHead);
    const got = read([answer], reading);
    const what = `seed ${seed}: ${JSON.stringify(answer)}`;
    for (const other of [read(cut(answer, random), reading), read(cut(answer, random), { ...reading, pauses: true })]) {
      const isWhole = other.reusable !== undefined;
      assert.deepEqual([other.status, other.body, isWhole], [got.status, got.body, got.reusable !== undefined], what);
    }
    if (got.reusable !== undefined) {
      assert.ok(expected, `read what a strict reader refuses, ${what}`);
      assert.deepEqual([got.status, got.body], [expected.status, expected.body.toString('latin1')], what);
      whole++;
    } else refused++;
  }
  assert.ok(whole > 500 && refused > 500, `${whole} whole, ${refused} not`);
});

function strictly(answer: string, toHead: boolean) {
  const bytes = Buffer.from(answer, 'latin1');
  try {
    let at = 0;
    for (;;) {
      const one = readResponse(bytes, at, toHead ? 'HEAD' : 'GET', true);
      if (!one || one.status >= 200) return one;
      at = one.end;
    }
  } catch {
    return undefined;
  }
}

function randomAnswer(random: () => number): string {
  const pick = <T>(...of: T[]) => of[Math.floor(random() * of.length)] as T;
  const body = 'abcdefghij\r\n'.repeat(Math.floor(random() * 4)).slice(0, Math.floor(random() * 40));
  const interim = random() < 0.1 ? 'HTTP/1.1 100 Continue\r\n\r\n' : '';
  const head = `HTTP/1.${pick(0, 1, 1, 1)} ${pick(200, 200, 200, 404, 204, 304, 500)} ${pick('OK', '', 'not ok')}\r\n`;
  const extra = pick(
    '',
    'server: x\r\n',
    'X-A: 1\r\nx-a: 2\r\n',
    'connection: close\r\n',
    'connection: keep-alive\r\n',
  );
  const framing = pick('length', 'length', 'chunked', 'chunked', 'none');
  if (framing === 'none') return `${interim}${head}${extra}\r\n${body}`;
  if (framing === 'length') return `${interim}${head}${extra}Content-Length: ${body.length}\r\n\r\n${body}`;
  let chunks = '';
  for (let at = 0; at < body.length; ) {
    const size = Math.min(body.length - at, 1 + Math.floor(random() * 12));
    chunks += `${size.toString(16)}${pick('', '', ';x', ' ;y=1')}\r\n${body.slice(at, at + size)}\r\n`;
    at += size;
  }
  return `${interim}${head}${extra}Transfer-Encoding: chunked\r\n\r\n${chunks}0\r\n${pick('', '', 'a: b\r\n')}\r\n`;
}

/** One time in two with a byte changed, left out or added where it matters. */
function mutated(answer: string, random: () => number): string {
  if (random() < 0.5) return answer;
  const at = Math.floor(random() * answer.length);
  const bytes = '\r\n :;0123fg+-\0\t,';
  const byte = bytes[Math.floor(random() * bytes.length)] as string;
  const kind = random();
  if (kind < 0.4) return answer.slice(0, at) + byte + answer.slice(at + 1);
  return kind < 0.7 ? answer.slice(0, at) + answer.slice(at + 1) : answer.slice(0, at) + byte + answer.slice(at);
}

function cut(answer: string, random: () => number): string[] {
  const pieces: string[] = [];
  for (let at = 0; at < answer.length; ) {
    const size = 1 + Math.floor(random() ** 2 * 30);
    pieces.push(answer.slice(at, at + size));
    at += size;
  }
  return pieces;
}
