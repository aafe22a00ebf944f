import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createCors, isCorsHeader } from '../../src/http/cors.ts';

const OURS = 'https://chat.example.com';
const FOREIGN = 'https://evil.example.com';

const named = (headers: readonly string[] | undefined) => {
  assert.ok(headers);
  return Object.fromEntries(Array.from({ length: headers.length / 2 }, (_, i) => headers.slice(2 * i, 2 * i + 2)));
};

const asking = (origin: string, more = {}) => ({ origin, 'access-control-request-method': 'POST', ...more });

test('an origin of the list is told that it may, alone', () => {
  const cors = createCors([OURS, 'https://other.example.com']);
  const headers = named(cors.headers(OURS));
  assert.equal(headers['access-control-allow-origin'], OURS);
  assert.equal(headers.vary, 'origin');
  assert.match(headers['access-control-expose-headers'] ?? '', /x-request-id/);
});

test('another origin is told nothing, but caches are told that it depends on the origin', () => {
  const cors = createCors([OURS]);
  for (const origin of [FOREIGN, undefined, `${OURS}.evil.com`, 'null']) {
    assert.deepEqual(named(cors.headers(origin)), { vary: 'origin' });
  }
});

test('* is any origin', () => {
  const headers = named(createCors(['*']).headers(FOREIGN));
  assert.equal(headers['access-control-allow-origin'], '*');
  assert.equal(headers.vary, undefined);
});

test('without a list no header is added', () => {
  const cors = createCors([]);
  assert.deepEqual(cors.headers(FOREIGN), []);
  assert.deepEqual(cors.preflight('OPTIONS', asking(FOREIGN)), []);
});

test('a preflight of an allowed origin may use what it asks for', () => {
  const cors = createCors([OURS]);
  const wanted = 'authorization,content-type,x-stainless-os';
  const headers = named(cors.preflight('OPTIONS', asking(OURS, { 'access-control-request-headers': wanted })));
  assert.equal(headers['access-control-allow-origin'], OURS);
  assert.match(headers['access-control-allow-methods'] ?? '', /\bPOST\b.*\bDELETE\b/);
  assert.equal(headers['access-control-allow-headers'], wanted);
  assert.equal(headers['access-control-max-age'], '3600');
  const plain = named(cors.preflight('OPTIONS', asking(OURS)));
  assert.match(plain['access-control-allow-headers'] ?? '', /authorization/);
});

test('a preflight of another origin is answered, and allows nothing', () => {
  assert.deepEqual(named(createCors([OURS]).preflight('OPTIONS', asking(FOREIGN))), { vary: 'origin' });
});

test('what is no preflight is a request like any other', () => {
  const cors = createCors([OURS]);
  assert.equal(cors.preflight('POST', asking(OURS)), undefined);
  assert.equal(cors.preflight('OPTIONS', { origin: OURS }), undefined);
  assert.equal(cors.preflight('OPTIONS', { 'access-control-request-method': 'POST' }), undefined);
});

test("a worker's own CORS headers are known, so that they can be left out", () => {
  assert.ok(isCorsHeader('access-control-allow-origin'));
  assert.ok(!isCorsHeader('content-type'));
});
