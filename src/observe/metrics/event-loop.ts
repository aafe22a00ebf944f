import type { Histogram } from './series.ts';

const PERIOD_MS = 50;

/** Counts by how much a timer of 50 ms is late, until the returned function is called. */
export function watchEventLoop(lag: Histogram): () => void {
  let dueMs = performance.now() + PERIOD_MS;
  const timer = setInterval(() => {
    const nowMs = performance.now();
    lag.observe(Math.max(0, nowMs - dueMs) / 1000);
    dueMs = nowMs + PERIOD_MS;
  }, PERIOD_MS).unref();
  return () => clearInterval(timer);
}
