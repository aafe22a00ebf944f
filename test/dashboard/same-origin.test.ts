import assert from 'node:assert/strict';
import { test } from 'node:test';
import { expectOwnName, expectOwnPage } from '../../src/dashboard/same-origin.ts';

const refused = (look: typeof expectOwnPage, headers: Record<string, string>) => {
  try {
    look({ headers });
    return false;
  } catch (error) {
    assert.equal((error as { code: string }).code, 'forbidden');
    return true;
  }
};

test('what the own page sends passes, as does what is sent by no browser', () => {
  for (const headers of [
    { host: '127.0.0.1:30000' },
    { host: '127.0.0.1:30000', origin: 'http://127.0.0.1:30000' },
    { host: 'Router.Example', origin: 'https://router.example' },
    { host: 'router.example', origin: 'http://router.example:80' },
    { host: '[::1]:30000', origin: 'http://[::1]:30000' },
    // A proxy in front sends its own name for the router.
    { host: 'upstream:30000', origin: 'https://router.example', 'sec-fetch-site': 'same-origin' },
  ]) {
    assert.ok(!refused(expectOwnPage, headers), JSON.stringify(headers));
  }
});

test('what another page sends is refused', () => {
  for (const headers of [
    { host: '127.0.0.1:30000', origin: 'http://evil.example' },
    // Another port of this machine is another origin, though of the same site.
    { host: '127.0.0.1:30000', origin: 'http://127.0.0.1:8080' },
    { host: '127.0.0.1:30000', origin: 'http://127.0.0.1:8080', 'sec-fetch-site': 'same-site' },
    { host: '127.0.0.1:30000', origin: 'http://127.0.0.1:30000', 'sec-fetch-site': 'cross-site' },
    { host: '127.0.0.1:30000', 'sec-fetch-site': 'none' },
    { host: '127.0.0.1:30000', origin: 'null' },
    { host: '127.0.0.1:30000', origin: '' },
  ]) {
    assert.ok(refused(expectOwnPage, headers), JSON.stringify(headers));
  }
});

test('without a key a page is the own one at an address or at localhost, never under a name that others can point here', () => {
  for (const origin of ['http://127.0.0.1:30000', 'http://[::1]:30000', 'http://localhost:1', 'http://a.localhost']) {
    assert.ok(!refused(expectOwnName, { origin }), origin);
  }
  for (const origin of ['http://evil.example:30000', 'http://localhost.evil.example', 'null']) {
    assert.ok(refused(expectOwnName, { origin }), origin);
  }
  assert.ok(!refused(expectOwnName, {}));
});
