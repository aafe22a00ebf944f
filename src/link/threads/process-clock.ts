/** A thread may be interrupted between two readings of a clock. */
const TRIES = 10;
/** What leads from this thread's `performance.now()` to the system's monotonic clock, which all threads of a process read alike and no one sets. */
const OFFSET_MS = offsetMs();

/** A time by this thread's `performance.now()` as other threads understand it. */
export function inProcessTime(ms: number): number {
  return ms + OFFSET_MS;
}

/** A time of another thread as this thread's `performance.now()` has it. */
export function fromProcessTime(ms: number): number {
  return ms - OFFSET_MS;
}

/** Reads both clocks several times; the readings that took the shortest time tell best. */
function offsetMs(): number {
  let offset = 0;
  let shortestMs = Number.POSITIVE_INFINITY;
  for (let tries = 0; tries < TRIES; tries++) {
    const beforeMs = performance.now();
    const systemMs = Number(process.hrtime.bigint()) / 1e6;
    const tookMs = performance.now() - beforeMs;
    if (tookMs >= shortestMs) continue;
    shortestMs = tookMs;
    offset = systemMs - beforeMs - tookMs / 2;
  }
  return offset;
}
