/** A body that is being read, or was read and is still held. */
export interface Held {
  /** It may be read on. */
  goOn(): void;
}

/**
 * Bounds the bytes of request bodies that are held at once, over all connections. Beyond the bound bodies are read no further until
 * others have been let go; but the one that has waited longest always goes on, or bodies that are all half read would block each other.
 */
export class BodyRoom {
  readonly #mostBytes: number;
  /** What is being read, the oldest first. */
  readonly #reading = new Map<Held, { bytes: number; waits: boolean }>();
  #bytes = 0;

  constructor(mostBytes: number) {
    this.#mostBytes = mostBytes;
  }

  /** Bytes held now. */
  get bytes(): number {
    return this.#bytes;
  }

  /** Some bytes of a body have come. False when it must wait until `goOn` is called. */
  take(body: Held, bytes: number): boolean {
    let entry = this.#reading.get(body);
    if (!entry) {
      entry = { bytes: 0, waits: false };
      this.#reading.set(body, entry);
    }
    this.#bytes += bytes;
    entry.bytes += bytes;
    entry.waits = this.#bytes > this.#mostBytes && !this.#isOldest(body);
    return !entry.waits;
  }

  /** A body has come all at once, as nearly all do: it waits for nothing, and is not listed. */
  hold(bytes: number): void {
    this.#bytes += bytes;
  }

  /** All of it has come; its bytes are held on. */
  complete(body: Held): void {
    if (this.#reading.delete(body)) this.#resume();
  }

  /** Its bytes are held no longer, or nothing more of it will come. */
  give(body: Held, bytes: number): void {
    this.#reading.delete(body);
    this.#bytes -= bytes;
    this.#resume();
  }

  #isOldest(body: Held): boolean {
    for (const oldest of this.#reading.keys()) return oldest === body;
    return true;
  }

  #resume(): void {
    if (this.#reading.size === 0) return;
    let isOldest = true;
    for (const [body, entry] of this.#reading) {
      if (!isOldest && this.#bytes > this.#mostBytes) return;
      isOldest = false;
      if (!entry.waits) continue;
      entry.waits = false;
      body.goOn();
    }
  }
}
