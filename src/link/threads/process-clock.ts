/** What leads from this thread's `performance.now()` to the system's monotonic clock, which all threads of a process read alike and no one sets. */
const OFFSET_MS = Number(process.hrtime.bigint()) / 1e6 - performance.now();

/** A time by this thread's `performance.now()` as other threads understand it. */
export function inProcessTime(ms: number): number {
  return ms + OFFSET_MS;
}

/** A time of another thread as this thread's `performance.now()` has it. */
export function fromProcessTime(ms: number): number {
  return ms - OFFSET_MS;
}
