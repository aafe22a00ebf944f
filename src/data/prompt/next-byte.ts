/** Where a byte stands next. What was found is remembered: many strings before a far one would each look for it. */
export class NextByte {
  readonly #byte: number;
  /** None stands from here on … */
  #from = 0;
  /** … to here, where the next one is, or the end. */
  #found = -1;

  constructor(byte: number) {
    this.#byte = byte;
  }

  reset(): void {
    this.#found = -1;
  }

  /** The first at or after `at`; the end of the body without one. */
  at(body: Buffer, at: number): number {
    if (at >= this.#from && at <= this.#found) return this.#found;
    const found = body.indexOf(this.#byte, at);
    this.#from = at;
    this.#found = found < 0 ? body.length : found;
    return this.#found;
  }
}
