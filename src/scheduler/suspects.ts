/** Servers that retry a request which may have ended its last server. Such requests are kept apart, so that the guilty one does not fail the innocent. */
export class Suspects {
  /** Server → number of such requests. */
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
