import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { test } from 'node:test';
import { removeOwnVariable } from '../../src/cli/own-environment.ts';

test('servers do not inherit what was set for the program alone', () => {
  const env = { SGLANG_ROUTER_OWN_VARIABLE: 'MALLOC_MMAP_THRESHOLD_', MALLOC_MMAP_THRESHOLD_: '262144', HOME: '/root' };
  removeOwnVariable(env);
  assert.deepEqual(env, { HOME: '/root' });
});

test('what the user has set is passed on', () => {
  const env = { MALLOC_MMAP_THRESHOLD_: '1', MALLOC_ARENA_MAX: '2' };
  removeOwnVariable(env);
  assert.deepEqual(env, { MALLOC_MMAP_THRESHOLD_: '1', MALLOC_ARENA_MAX: '2' });
});

test('the environment that a child gets is without it', () => {
  process.env.SGLANG_ROUTER_OWN_VARIABLE = 'ONLY_OURS';
  process.env.ONLY_OURS = '1';
  removeOwnVariable(process.env);
  assert.doesNotMatch(execFileSync('/usr/bin/env', { encoding: 'utf8' }), /OURS|OWN_VARIABLE/);
});
