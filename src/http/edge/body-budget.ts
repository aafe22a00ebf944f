/** A request body that is being read or is held. */
export interface HeldBody {
  /** Reading may go on. */
  goOn(): void;
}

/**
 * Bounds the bytes of request bodies that all connections hold. Beyond the bound reading stops until others are released; the oldest
 * body goes on while the whole ones are within the bound, or half-read bodies would block each other.
 */
export class BodyBudget {
  readonly #mostBytes: number;
  /** Bodies that are being read, the oldest first. */
  readonly #reading = new Map<HeldBody, { bytes: number; waits: boolean }>();
  #bytes = 0;
  /** Those of bodies that are being read. */
  #readingBytes = 0;
  #isResuming = false;
  #resumesAgain = false;

  constructor(mostBytes: number) {
    this.#mostBytes = mostBytes;
  }

  /** Bytes that are held now. */
  get bytes(): number {
    return this.#bytes;
  }

  /** Counts bytes of a body; false when it must wait until `goOn` is called. */
  take(body: HeldBody, bytes: number): boolean {
    let entry = this.#reading.get(body);
    if (!entry) {
      entry = { bytes: 0, waits: false };
      this.#reading.set(body, entry);
    }
    this.#bytes += bytes;
    this.#readingBytes += bytes;
    entry.bytes += bytes;
    entry.waits = this.#bytes > this.#mostBytes && !(this.#isOldest(body) && this.#oldestGoesOn);
    return !entry.waits;
  }

  /** Counts a body that came all at once, as nearly all do, and so never waits. */
  hold(bytes: number): void {
    this.#bytes += bytes;
  }

  /** Notes that all of a body has come; its bytes stay counted. */
  complete(body: HeldBody): void {
    if (this.#endReading(body)) this.#resume();
  }

  /** Gives back the bytes of a body that is released or will not be completed. */
  give(body: HeldBody, bytes: number): void {
    this.#endReading(body);
    this.#bytes -= bytes;
    this.#resume();
  }

  /** Ends the reading of a body; false if it was not being read. */
  #endReading(body: HeldBody): boolean {
    this.#readingBytes -= this.#reading.get(body)?.bytes ?? 0;
    return this.#reading.delete(body);
  }

  /** Whether there is room beside the whole bodies, which are released without it. */
  get #oldestGoesOn(): boolean {
    return this.#bytes - this.#readingBytes <= this.#mostBytes;
  }

  #isOldest(body: HeldBody): boolean {
    for (const oldest of this.#reading.keys()) return oldest === body;
    return true;
  }

  /** Lets bodies go on that have waited. One that ends at once calls this again, in the middle of it. */
  #resume(): void {
    this.#resumesAgain = true;
    if (this.#isResuming) return;
    this.#isResuming = true;
    try {
      while (this.#resumesAgain) {
        this.#resumesAgain = false;
        this.#resumeInTurn();
      }
    } finally {
      this.#isResuming = false;
    }
  }

  #resumeInTurn(): void {
    for (const [body, entry] of this.#reading) {
      if (this.#bytes > this.#mostBytes && !(this.#isOldest(body) && this.#oldestGoesOn)) return;
      if (!entry.waits) continue;
      entry.waits = false;
      body.goOn();
    }
  }
}
