import assert from 'node:assert/strict';
import type { IncomingMessage } from 'node:http';
import { test } from 'node:test';
import { createAuthorize } from '../../src/http/auth.ts';

const withHeader = (authorization?: string) => ({ headers: { authorization } }) as IncomingMessage;

const NONE = { apiKey: undefined, controlPlaneApiKeys: [] };

test('without a key everyone may pass', () => {
  for (const access of ['public', 'key', 'admin'] as const) createAuthorize(NONE)(withHeader(), access);
});

test('with a key only its bearer may pass', () => {
  const authorize = createAuthorize({ ...NONE, apiKey: 'secret' });
  authorize(withHeader(), 'public');
  for (const access of ['key', 'admin'] as const) {
    authorize(withHeader('Bearer secret'), access);
    authorize(withHeader('bearer secret'), access);
    for (const wrong of [
      ...[undefined, '', 'secret', 'Basic secret', 'Bearer', 'Bearer ', 'Bearer secre', 'Bearer secret2'],
    ]) {
      assert.throws(() => authorize(withHeader(wrong), access), { code: 'unauthorized', status: 401 }, String(wrong));
    }
  }
});

test('keys of the admin routes take the place of the other one there, and only an admin may pass', () => {
  const controlPlaneApiKeys = [
    { key: 'chief', role: 'admin' },
    { key: 'clerk', role: 'user' },
  ] as const;
  for (const apiKey of [undefined, 'secret']) {
    const authorize = createAuthorize({ apiKey, controlPlaneApiKeys });
    authorize(withHeader('Bearer chief'), 'admin');
    assert.throws(() => authorize(withHeader('Bearer clerk'), 'admin'), { code: 'forbidden', status: 403 });
    for (const wrong of [undefined, 'Bearer secret', 'Bearer chie']) {
      assert.throws(() => authorize(withHeader(wrong), 'admin'), { code: 'unauthorized' });
    }
    authorize(withHeader(apiKey && `Bearer ${apiKey}`), 'key');
  }
  const both = createAuthorize({ apiKey: 'secret', controlPlaneApiKeys });
  assert.throws(() => both(withHeader('Bearer chief'), 'key'), { code: 'unauthorized' });
});
