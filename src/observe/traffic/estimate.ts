/** How many tokens something has that does not tell, going by what others told. */
export class Estimate {
  #tokens: number;
  #size: number;

  /** Until somebody has told, `perToken` of the size is a token; that weighs as much as so many tokens that were told. */
  constructor(perToken: number, weight = 256) {
    this.#tokens = weight;
    this.#size = weight * perToken;
  }

  learn(size: number, tokens: number): void {
    this.#size += size;
    this.#tokens += tokens;
  }

  of(size: number): number {
    return Math.round((size * this.#tokens) / this.#size);
  }
}
