/** Fields of one slot; the row is padded to a cache line so that two workers' counters never share one. */
const IN_FLIGHT = 0;
const RETIRED = 1;
const STRIDE = 16;

/** Slots of the table: the largest fleet with 8 ranks per server. 512 KiB, of which only used pages count. */
export const MAX_SLOTS = 8192;

/**
 * Per worker a row of counters, flat in one SharedArrayBuffer so that further data-plane threads can see the same
 * table. The only writer of in-flight counters.
 */
export class Slots {
  readonly #counters: Int32Array;
  readonly #free: number[] = [];
  /** Called when the last request on a retired slot has settled. */
  readonly #retiring = new Map<number, () => void>();
  #next = 0;

  constructor(buffer = new SharedArrayBuffer(MAX_SLOTS * STRIDE * Int32Array.BYTES_PER_ELEMENT)) {
    this.#counters = new Int32Array(buffer);
  }

  /** A zeroed slot for a new worker; throws RangeError past MAX_SLOTS. */
  claim(): number {
    const slot = this.#free.pop() ?? this.#next++;
    if (slot >= MAX_SLOTS) throw new RangeError(`expected at most ${MAX_SLOTS} workers and ranks, got one more`);
    this.#counters.fill(0, slot * STRIDE, (slot + 1) * STRIDE);
    return slot;
  }

  /** Retires a worker's slot; resolves when its last request has settled and the slot is free. */
  retire(slot: number): Promise<void> {
    Atomics.store(this.#counters, slot * STRIDE + RETIRED, 1);
    return new Promise((resolve) => {
      this.#retiring.set(slot, resolve);
      if (this.inFlight(slot) === 0) this.#release(slot);
    });
  }

  /** Counts a request on a worker from the moment it is chosen, not from its first byte. */
  take(slot: number): void {
    Atomics.add(this.#counters, slot * STRIDE + IN_FLIGHT, 1);
  }

  /** Counts the end of a request, once for each `take`. */
  give(slot: number): void {
    const row = slot * STRIDE;
    const left = Atomics.sub(this.#counters, row + IN_FLIGHT, 1) - 1;
    if (left === 0 && this.#counters[row + RETIRED] === 1) this.#release(slot);
  }

  /** Requests chosen for this worker and not settled yet. */
  inFlight(slot: number): number {
    return Atomics.load(this.#counters, slot * STRIDE + IN_FLIGHT);
  }

  #release(slot: number): void {
    this.#counters[slot * STRIDE + RETIRED] = 0;
    this.#free.push(slot);
    this.#retiring.get(slot)?.();
    this.#retiring.delete(slot);
  }
}
