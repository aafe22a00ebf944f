/** Time as the engine sees it; a test gives a virtual one. */
export interface EngineClock {
  /** Milliseconds that never run backwards, with fractions. */
  now(): number;
  /** Milliseconds since 1970. */
  epochMs(): number;
  /** Calls `ring` once, at `atMs` of `now()` or as soon after as can be. */
  alarm(atMs: number, ring: () => void): void;
}

/** Lets nothing happen that was to happen later. */
export const stoppedClock = (clock: EngineClock): EngineClock => ({ ...clock, alarm: () => {} });

/** The machine's clock. */
export const systemEngineClock: EngineClock = {
  now: () => performance.now(),
  epochMs: () => performance.timeOrigin + performance.now(),
  alarm: (atMs, ring) => {
    // Node counts whole milliseconds: rounding up keeps it from ringing early only to be set again.
    setTimeout(ring, Math.max(0, Math.ceil(atMs - performance.now())));
  },
};
