/**
 * Where requests are asked again whose server broke off under them: one of them may have ended it. Each gets a server without
 * another of them while there is one, so that it does not take those along that were with it by chance.
 */
export class Suspects {
  /** Server → how many. */
  readonly #at = new Map<string, number>();

  has(server: string): boolean {
    return this.#at.has(server);
  }

  add(server: string): void {
    this.#at.set(server, (this.#at.get(server) ?? 0) + 1);
  }

  remove(server: string): void {
    const left = (this.#at.get(server) ?? 0) - 1;
    if (left > 0) this.#at.set(server, left);
    else this.#at.delete(server);
  }
}
