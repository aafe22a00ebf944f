/** Time as the control plane sees it; a test gives a virtual one. */
export interface Clock {
  /** Milliseconds that never run backwards. */
  now(): number;
  /** Calls `ring` once after `ms`, unless the returned function is called before; never keeps the process alive. */
  after(ms: number, ring: () => void): () => void;
}

/** The machine's clock. */
export const systemClock: Clock = {
  now: () => performance.now(),
  after: (ms, ring) => {
    const timer = setTimeout(ring, ms).unref();
    return () => clearTimeout(timer);
  },
};
