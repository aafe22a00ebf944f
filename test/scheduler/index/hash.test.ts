import assert from 'node:assert/strict';
import { test } from 'node:test';
import { hashBytes, hashText, mix32 } from '../../../src/scheduler/index/hash.ts';

// Published values of MurmurHash3_x86_32.
for (const [text, seed, hash] of [
  ['', 0, 0],
  ['', 1, 0x514e28b7],
  ['test', 0x9747b28c, 0x704b81dc],
  ['Hello, world!', 0x9747b28c, 0x24884cba],
  ['The quick brown fox jumps over the lazy dog', 0x9747b28c, 0x2fa826cd],
] as const) {
  test(`the hash of '${text}' with seed ${seed} is the one that others get`, () => {
    const bytes = Buffer.from(text);
    assert.equal(hashBytes(bytes, bytes.length, seed), hash);
  });
}

test('only the bytes up to the end count', () => {
  assert.equal(hashBytes(Buffer.from('abcdefgh'), 5), hashBytes(Buffer.from('abcde')));
  assert.notEqual(hashBytes(Buffer.from('abcde')), hashBytes(Buffer.from('abcde\0')));
});

test('strings that differ in one unit, or in their length, differ in their hash', () => {
  const texts = ['', '\0', '\0\0', 'a', 'b', 'ab', 'ba', 'aba', 'abb', 'a\0b', '\u0161', 'http://w1', 'http://w2'];
  assert.equal(new Set(texts.map((text) => hashText(text))).size, texts.length);
  assert.notEqual(hashText('a'), hashText('a', 1));
});

test('mixing keeps different numbers different and spreads small ones over all 32 bits', () => {
  const hashes = Array.from({ length: 10_000 }, (_, i) => mix32(i));
  assert.equal(new Set(hashes).size, hashes.length);
  for (let bit = 0; bit < 32; bit++) {
    const ones = hashes.filter((hash) => (hash >>> bit) & 1).length;
    assert.ok(Math.abs(ones - 5_000) < 300, `bit ${bit} is set in ${ones} of 10000`);
  }
});
