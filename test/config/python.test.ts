import assert from 'node:assert/strict';
import { test } from 'node:test';
import { pythonOptions } from '../../src/config/python.ts';

const options = new Map(pythonOptions().map((option) => [option.field, option]));

test('fields of 0.3.2 have its defaults, and the program is told what differs from its own', () => {
  const timeout = options.get('request_timeout_secs');
  assert.deepEqual([timeout?.default, timeout?.unsaid], [1800, 600]);
  assert.deepEqual([options.get('host')?.default, options.get('host')?.unsaid], ['0.0.0.0', '127.0.0.1']);
  assert.equal(options.get('max_concurrent_requests')?.default, -1);
  // There the queue holds nothing without a cap, and is not bounded with one.
  assert.deepEqual([options.get('queue_size')?.default, options.get('queue_size')?.unsaid], [100, 100]);
  assert.deepEqual([options.get('log_level')?.default, options.get('log_level')?.parsed], [null, 'info']);
});

test('further fields come after them, in the unit of the flag', () => {
  const fields = [...options.keys()];
  assert.deepEqual(fields.slice(0, 3), ['worker_urls', 'host', 'port']);
  assert.ok(fields.indexOf('stream_idle_timeout_secs') > fields.indexOf('jwt_role_mapping'));
  assert.equal(options.get('stream_idle_timeout_secs')?.default, 120);
  assert.equal(options.get('workers_file')?.hint, 'Optional[str]');
});

test('what holds a key has a variable to carry it', () => {
  const secret = [...options.values()].filter(({ variable }) => variable !== null).map(({ field }) => field);
  assert.deepEqual(secret, ['api_key', 'oracle_password', 'postgres_db_url', 'redis_url', 'control_plane_api_keys']);
  assert.equal(options.get('api_key')?.variable, 'SGLANG_ROUTER_API_KEY');
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
