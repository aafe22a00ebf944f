import { readFileSync } from 'node:fs';
import type { Server } from 'node:http';

/** Descriptors that are not connections: listeners, log files, the servers' pipes, health checks. */
const RESERVED = 128;

/** How many clients are connected, and whether the process could still open a connection to a worker for each of them. */
export class ConnectionCount {
  readonly #most: number;
  #open = 0;

  /** `most` connections; half of what the process may open unless given. */
  constructor(most: number = affordable()) {
    this.#most = most;
  }

  get tooMany(): boolean {
    return this.#open > this.#most;
  }

  watch(server: Server): void {
    server.on('connection', (socket) => {
      this.#open++;
      socket.once('close', () => this.#open--);
    });
  }
}

/** No limit where the system does not say (macOS). */
function affordable(): number {
  try {
    const line = /^Max open files +(\d+)/m.exec(readFileSync('/proc/self/limits', 'utf8'));
    return line ? Math.max(1, Math.floor((Number(line[1]) - RESERVED) / 2)) : Number.POSITIVE_INFINITY;
  } catch {
    return Number.POSITIVE_INFINITY;
  }
}
