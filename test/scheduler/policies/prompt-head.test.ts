import assert from 'node:assert/strict';
import { test } from 'node:test';
import { hashHead } from '../../../src/scheduler/policies/prompt-head.ts';

test('prompts that share their first 1024 bytes have the same head', () => {
  const head = 'h'.repeat(1_024);
  assert.equal(hashHead(Buffer.from(`${head}a`)), hashHead(Buffer.from(`${head}b`)));
  assert.notEqual(hashHead(Buffer.from(`${head.slice(1)}a`)), hashHead(Buffer.from(`${head.slice(1)}b`)));
});

test('a shorter prompt is its own head', () => {
  assert.notEqual(hashHead(Buffer.from('a')), hashHead(Buffer.from('aa')));
});

test('no prompt has no head', () => {
  assert.equal(hashHead(undefined), undefined);
  assert.equal(hashHead(Buffer.alloc(0)), undefined);
});
