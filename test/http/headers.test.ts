import assert from 'node:assert/strict';
import { test } from 'node:test';
import { requestHeaders, responseHeaders } from '../../src/http/headers.ts';

test('what the client says about itself goes to the worker, framing and hop-by-hop headers do not', () => {
  const out = requestHeaders({
    host: 'router',
    authorization: 'Bearer k',
    'content-length': '3',
    'content-type': 'application/json',
    'transfer-encoding': 'chunked',
    te: 'trailers',
    'proxy-authorization': 'x',
    expect: '100-continue',
    'x-anything': 'kept',
  });
  assert.deepEqual(out, ['authorization', 'Bearer k', 'content-type', 'application/json', 'x-anything', 'kept']);
});

test("a worker's own authorization is the only one", () => {
  const out = requestHeaders({ authorization: 'Bearer client', 'x-a': '1' }, 'Bearer worker');
  assert.deepEqual(out, ['authorization', 'Bearer worker', 'x-a', '1']);
});

test('headers named by Connection end here, both ways', () => {
  const headers = { connection: 'close, X-Foo', 'x-foo': '1', 'x-bar': '2' };
  assert.deepEqual(requestHeaders(headers), ['x-bar', '2']);
  assert.deepEqual(responseHeaders(headers), ['x-bar', '2']);
});

test('repeated headers of the answer stay apart, its length stays', () => {
  const out = responseHeaders({ 'set-cookie': ['a=1', 'b=2'], 'content-length': '5', 'transfer-encoding': 'chunked' });
  assert.deepEqual(out, ['set-cookie', 'a=1', 'set-cookie', 'b=2', 'content-length', '5']);
});
