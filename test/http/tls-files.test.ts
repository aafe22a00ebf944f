import assert from 'node:assert/strict';
import { test } from 'node:test';
import { readAuthorities, readKeyPair, readServingPair } from '../../src/http/tls-files.ts';
import { tlsFile } from '../helpers/tls.ts';

const cert = (name: string) => ({ flag: '--cert', path: tlsFile(name) });
const key = (name: string) => ({ flag: '--key', path: tlsFile(name) });

test('a certificate and its key', () => {
  assert.match(readKeyPair(cert('server.pem'), key('server.key')).cert, /BEGIN CERTIFICATE/);
  assert.equal(readServingPair(undefined, undefined), undefined);
});

const REFUSED: readonly (readonly [string, string, string, RegExp])[] = [
  [
    'a certificate that is not there',
    'none.pem',
    'server.key',
    /^--cert \/.*none\.pem: cannot read it: there is no such file or folder$/,
  ],
  [
    'a key that is not there',
    'server.pem',
    'none.key',
    /^--key \/.*none\.key: cannot read it: there is no such file or folder$/,
  ],
  ['no certificate', 'server.key', 'server.key', /^--cert \/.*server\.key: expected a certificate in PEM form, got '/],
  ['the key of another', 'server.pem', 'client.key', /^--key .*expected the unencrypted private key of .*mismatch'$/],
  ['no key', 'server.pem', 'server.pem', /^--key .*expected the unencrypted private key of /],
];

for (const [what, certificate, privateKey, message] of REFUSED) {
  test(`refused: ${what}`, () =>
    assert.throws(() => readKeyPair(cert(certificate), key(privateKey)), { code: 'usage', message }));
}

test('refused: an authority that is none', () => {
  assert.throws(() => readAuthorities([cert('ca.pem'), { flag: '--ca', path: tlsFile('README.md') }]), {
    code: 'usage',
    message: /^--ca \/.*README\.md: expected a certificate/,
  });
});
