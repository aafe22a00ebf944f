import assert from 'node:assert/strict';
import { test } from 'node:test';
import { redacting } from '../../../src/observe/log/redact.ts';

function shown(secret: string, line: string): string {
  let out = '';
  redacting([secret], (text) => {
    out += text;
  })(line);
  return out;
}

test('a key is hidden wherever it stands, in every spelling', () => {
  assert.equal(shown('sk-0123456789', 'a=sk-0123456789 xsk-0123456789x'), 'a=*** x***x');
  assert.equal(shown('a "quoted" key', 'a "quoted" key'), '***');
  assert.equal(shown('a "quoted" key', JSON.stringify({ k: 'a "quoted" key' })), '{"k":"***"}');
  assert.equal(shown('a/b c+d?e', 'a%2Fb%20c%2Bd%3Fe'), '***');
});

test('a short key is hidden where it stands alone: words, names and numbers stay', () => {
  assert.equal(shown('k', 'worker ready key=k "k" Bearer k'), 'worker ready key=*** "***" Bearer ***');
  const line = '{"level":"info","n":1,"path":"/v1/chat","key":"1"}';
  assert.deepEqual(JSON.parse(shown('1', line)), { level: 'info', n: 1, path: '/v1/chat', key: '***' });
});
