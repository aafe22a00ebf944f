import type { Server } from '../launch/server.ts';
import type { Log } from '../observe/log/log.ts';
import { duration } from '../terminal/duration.ts';

/** Which servers requests may go to. */
export class InService {
  readonly #log: Log;
  readonly #of: () => number;
  readonly #servers = new Set<Server>();
  #tells = false;

  constructor(of: () => number, log: Log) {
    this.#of = of;
    this.#log = log;
  }

  /** From now on whoever comes back is told of. */
  tell(): void {
    this.#tells = true;
  }

  /** Requests may go to it; `started` where it has just been started. */
  join(server: Server, started: boolean): void {
    if (this.#servers.has(server)) return;
    this.#servers.add(server);
    if (!this.#tells) return;
    const after = started ? `, started in ${duration(server.elapsedMs)}` : '';
    this.#log.info(`${server.plan.name} is back: ${this}${after}`);
  }

  leave(server: Server): void {
    this.#servers.delete(server);
  }

  /** `3 of 4`. */
  toString(): string {
    return `${this.#servers.size} of ${this.#of()}`;
  }
}
