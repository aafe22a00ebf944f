import assert from 'node:assert/strict';
import { test } from 'node:test';
import { pythonOptions } from '../../src/config/python.ts';

const options = new Map(pythonOptions().map((option) => [option.field, option]));

test('defaults are in the unit of the flag', () => {
  assert.equal(options.get('request_timeout_secs')?.default, 600);
  assert.equal(options.get('max_payload_size')?.default, 268_435_456);
  assert.equal(options.get('dp_aware')?.default, false);
  assert.deepEqual(options.get('worker_urls')?.default, []);
  assert.deepEqual(options.get('selector')?.default, {});
  assert.equal(options.get('log_dir')?.default, null);
});

test('fields keep the names that other packages set', () => {
  for (const field of [
    'prefill_urls',
    'decode_urls',
    'eviction_interval_secs',
    'server_cert_path',
    'bootstrap_port_annotation',
  ]) {
    assert.ok(options.has(field), field);
  }
});

test('it survives JSON', () => {
  const list = pythonOptions();
  assert.deepEqual(JSON.parse(JSON.stringify(list)), list);
});
