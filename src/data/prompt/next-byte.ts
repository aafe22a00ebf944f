/** Finds the next occurrence of a byte and remembers it, so that many strings before a far one do not each search for it. */
export class NextByte {
  readonly #byte: number;
  /** The byte does not occur from here … */
  #from = 0;
  /** … to here, where it occurs next, or the body ends. */
  #found = -1;

  constructor(byte: number) {
    this.#byte = byte;
  }

  reset(): void {
    this.#found = -1;
  }

  /** The first occurrence at or after `at`; the end of the body without one. */
  at(body: Buffer, at: number): number {
    if (at >= this.#from && at <= this.#found) return this.#found;
    const found = body.indexOf(this.#byte, at);
    this.#from = at;
    this.#found = found < 0 ? body.length : found;
    return this.#found;
  }
}
