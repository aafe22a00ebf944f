import assert from 'node:assert/strict';
import { test } from 'node:test';
import { connectionBounds, fewConnections } from '../../../src/http/edge/connection-limit.ts';

test('threads together never have more connections open than there are files', () => {
  for (const limit of [256, 512, 1_024, 65_536]) {
    for (const threads of [1, 2, 3, 8]) {
      const { maxConnections, maxRefused } = connectionBounds(threads, limit);
      const ofThreads = threads > 1 ? 9 * threads : 0;
      const open = 30 + ofThreads + threads * (2 * maxConnections + maxRefused);
      assert.ok(open <= limit, `${open} of ${limit} with ${threads} threads`);
    }
  }
});

test('a low limit of open files is told at the start, and what it means', () => {
  for (const limit of [64, 128, 256, 512]) {
    for (const threads of [1, 3])
      assert.match(fewConnections(threads, 64, limit) ?? '', new RegExp(`at most ${limit} files`));
  }
  assert.match(fewConnections(1, 64, 512) ?? '', /^only 192 clients can be connected at once, .*ulimit -n/);
  assert.equal(fewConnections(1, 64, 1_024), undefined);
  assert.equal(fewConnections(1, -1, Number.POSITIVE_INFINITY), undefined);
  assert.match(fewConnections(1, 1_000, 1_024) ?? '', /^only 448 clients/);
});
