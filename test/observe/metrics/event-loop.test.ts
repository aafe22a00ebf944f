import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import { watchEventLoop } from '../../../src/observe/metrics/event-loop.ts';
import { Histogram } from '../../../src/observe/metrics/series.ts';

test('a blocked event loop shows as lag', async () => {
  const lag = new Histogram([0.05]);
  const stop = watchEventLoop(lag);
  const untilMs = performance.now() + 200;
  while (performance.now() < untilMs);
  while (lag.count === 0) await delay(1);
  stop();
  assert.ok((lag.counts[1] ?? 0) >= 1, 'above 50 ms');
});
