import assert from 'node:assert/strict';
import type { IncomingMessage } from 'node:http';
import { test } from 'node:test';
import { createAuthorize } from '../../src/http/auth.ts';

const withHeader = (authorization?: string) => ({ headers: { authorization } }) as IncomingMessage;

test('without a key everyone may pass', () => {
  assert.doesNotThrow(() => createAuthorize(undefined)(withHeader()));
});

test('with a key only its bearer may pass', () => {
  const authorize = createAuthorize('secret');
  assert.doesNotThrow(() => authorize(withHeader('Bearer secret')));
  assert.doesNotThrow(() => authorize(withHeader('bearer secret')));
  for (const wrong of [
    undefined,
    '',
    'secret',
    'Basic secret',
    'Bearer',
    'Bearer ',
    'Bearer secre',
    'Bearer secret2',
  ]) {
    assert.throws(() => authorize(withHeader(wrong)), { code: 'unauthorized', status: 401 }, String(wrong));
  }
});
