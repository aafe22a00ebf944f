import type { PhaseName } from '../phases.ts';
import type { Server } from '../server.ts';

/** Which changes of a server begin a phase. */
export class PhaseChanges {
  readonly #told = new Map<Server, PhaseName>();

  isNew(server: Server): boolean {
    const { name } = server.phase;
    if (this.#told.get(server) === name) return false;
    this.#told.set(server, name);
    return true;
  }
}
