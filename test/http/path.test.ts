import assert from 'node:assert/strict';
import { test } from 'node:test';
import { originForm, pathOf } from '../../src/http/path.ts';

test('the path by which the router decides is the one that its worker gets', () => {
  for (const [target, sent, path] of [
    ['/v1/models?x=/y', '/v1/models?x=/y', '/v1/models'],
    ['http://host/v1/models?x', '/v1/models?x', '/v1/models'],
    ['HTTPS://user@host:80/a', '/a', '/a'],
    ['http://host', '/', '/'],
    ['http://host?x', '/?x', '/'],
    ['*', '/', '/'],
    // What a URL parser would make one: `/flush_cache`.
    ['http://host/a/../flush_cache', '/a/../flush_cache', '/a/../flush_cache'],
    ['http://host/a/%2e%2e/flush_cache', '/a/%2e%2e/flush_cache', '/a/%2e%2e/flush_cache'],
    ['http://host//flush_cache', '//flush_cache', '//flush_cache'],
  ] as const) {
    assert.deepEqual([originForm(target), pathOf(target)], [sent, path], target);
  }
});
