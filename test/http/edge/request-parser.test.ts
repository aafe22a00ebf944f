import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseRequestHead } from '../../../src/http/edge/request-head.ts';
import { RequestParser } from '../../../src/http/edge/request-parser.ts';

/** Method, path and body of each request in the pieces, and the code of the error that ended it. */
function read(pieces: readonly string[]): string[] {
  const seen: string[] = [];
  let body = '';
  let rest: Buffer = Buffer.alloc(0);
  const parser = new RequestParser(
    {
      head: ({ method, url }) => void seen.push(`${method} ${url}`),
      data: (chunk) => {
        body += chunk.toString('latin1');
      },
      end: (following) => {
        seen.push(body);
        body = '';
        rest = following;
        parser.expect();
      },
    },
    1_000,
  );
  parser.expect();
  try {
    for (const piece of pieces) {
      for (let bytes = Buffer.from(piece, 'latin1'); bytes.length > 0; bytes = rest as typeof bytes) {
        rest = Buffer.alloc(0);
        parser.feed(bytes);
      }
    }
  } catch (error) {
    seen.push((error as Error & { code: string }).code);
  }
  return seen;
}

const TWO =
  '\r\n\nPOST /a HTTP/1.1\r\nhost: x\r\ntransfer-encoding: chunked\r\n\r\n3;x=y\r\nabc\r\n0\r\nt: 1\r\n\r\nPUT /b?c HTTP/1.1\r\nhost: x\r\ncontent-length: 2\r\n\r\nhi';

test('requests one after another, cut anywhere', () => {
  const whole = ['POST /a', 'abc', 'PUT /b?c', 'hi'];
  assert.deepEqual(read([TWO]), whole);
  for (let at = 1; at < TWO.length; at++) assert.deepEqual(read([TWO.slice(0, at), TWO.slice(at)]), whole, `at ${at}`);
  assert.deepEqual(read([...TWO]), whole);
});

test('what is too large says so by its code', () => {
  const big = 'x'.repeat(2_000);
  assert.deepEqual(read([`GET / HTTP/1.1\r\nhost: x\r\nx: ${big}`]), ['headers_too_large']);
  const chunked = 'POST / HTTP/1.1\r\nhost: x\r\ntransfer-encoding: chunked\r\n\r\n';
  assert.deepEqual(read([`${chunked}1;${big.repeat(3)}`]), ['POST /', 'payload_too_large']);
  assert.deepEqual(read([`${chunked}0\r\n${`t: ${big}\r\n`.repeat(9)}`]), ['POST /', 'payload_too_large']);
});

test('what cannot become a request is refused before its head is whole', () => {
  for (const bytes of ['\0', 'get', 'GET\t', 'G\n', 'SSH-2.0-OpenSSH', 'GET / HTTP/1.1\r\nhost: x\n', '{"text":']) {
    assert.deepEqual(read([bytes]), ['bad_request'], JSON.stringify(bytes));
  }
});

test('a target with a host that is empty is refused, however it is written', () => {
  for (const target of ['http:///x', 'http://', 'http://?x', 'https://:80/x', 'http://user@/x', 'http://user@:80/x']) {
    assert.deepEqual(read([`GET ${target} HTTP/1.1\r\nhost: x\r\n\r\n`]), ['bad_request'], target);
  }
  for (const target of ['http://h', 'http://h?x', 'HTTP://u@h:80/x', 'http://[::1]:80/x']) {
    assert.equal(parseRequestHead(`GET ${target} HTTP/1.1\r\nhost: x`).url, target);
  }
});

test('a trailer that frames the message is refused', () => {
  for (const trailer of ['content-length: 5', 'Transfer-Encoding: chunked']) {
    const request = `POST / HTTP/1.1\r\nhost: x\r\ntransfer-encoding: chunked\r\n\r\n0\r\n${trailer}\r\n\r\n`;
    assert.deepEqual(read([request]), ['POST /', 'bad_request']);
  }
});

test('headers of one name are joined as Node joins them', () => {
  const lines = ['x: 1', 'X: 2', 'cookie: a', 'cookie: b', 'user-agent: 1', 'user-agent: 2', '__proto__: p'];
  const { headers } = parseRequestHead(`GET / HTTP/1.1\r\nhost: h\r\n${lines.join('\r\n')}`);
  assert.deepEqual(Object.entries(headers), [
    ['host', 'h'],
    ['x', '1, 2'],
    ['cookie', 'a; b'],
    ['user-agent', '1'],
    ['__proto__', 'p'],
  ]);
});

test('whether the connection stays', () => {
  const stays = (version: string, connection = '') =>
    parseRequestHead(`GET / HTTP/1.${version}\r\nhost: x${connection && `\r\nconnection: ${connection}`}`).keepsAlive;
  assert.deepEqual(
    [stays('1'), stays('1', 'Close'), stays('1', 'x , close'), stays('1', 'upgrade')],
    [true, false, false, true],
  );
  assert.deepEqual([stays('0'), stays('0', 'Keep-Alive'), stays('0', 'keep-alive, close')], [false, true, false]);
});
