import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createRequestIds } from '../../src/http/request-id.ts';

test("the client's id is kept, from the first header that has one", () => {
  const idOf = createRequestIds();
  assert.equal(idOf({ 'request-id': 'd', 'x-trace-id': 'c', 'x-correlation-id': 'b', 'x-request-id': 'a' }, '/'), 'a');
  assert.equal(idOf({ 'request-id': 'd', 'x-trace-id': 'c' }, '/'), 'c');
});

test('the headers of --request-id-headers replace the usual ones', () => {
  const idOf = createRequestIds(['x-my-id']);
  assert.equal(idOf({ 'x-my-id': 'mine', 'x-request-id': 'other' }, '/'), 'mine');
  assert.match(idOf({ 'x-request-id': 'other' }, '/generate'), /^gnt-/);
});

test('an id that could spoil a log or a header is replaced', () => {
  const idOf = createRequestIds();
  for (const bad of ['', 'a b', 'a\u0007', 'é', 'x'.repeat(129), 'two, of them']) {
    assert.match(idOf({ 'x-request-id': bad }, '/'), /^req-[A-Za-z0-9]{24}$/, JSON.stringify(bad));
  }
  assert.equal(idOf({ 'x-request-id': 'x'.repeat(128) }, '/').length, 128);
  assert.equal(idOf({ 'x-request-id': 'a b', 'x-trace-id': 'good' }, '/'), 'good');
});

test('a generated id tells the API', () => {
  const idOf = createRequestIds();
  const prefixes = {
    '/v1/chat/completions': 'chatcmpl-',
    '/v1/completions': 'cmpl-',
    '/generate': 'gnt-',
    '/v1/responses': 'resp-',
    '/v1/embeddings': 'req-',
  };
  for (const [path, prefix] of Object.entries(prefixes)) {
    assert.match(idOf({}, path), new RegExp(`^${prefix}[A-Za-z0-9]{24}$`));
  }
  assert.equal(new Set(Array.from({ length: 1_000 }, () => idOf({}, '/'))).size, 1_000);
});
