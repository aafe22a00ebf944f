import { createClient } from '../../http/upstream/create-client.ts';
import type { WorkerClient } from '../../http/upstream/worker-client.ts';
import type { WorkerTls } from '../../http/upstream/worker-tls.ts';
import type { CallTarget } from '../../link/assignment.ts';
import type { PortableTarget } from '../../link/threads/messages.ts';

/** A data thread's own connections to servers. */
export class ThreadConnections {
  readonly #tls: WorkerTls;
  readonly #clients = new Map<number, WorkerClient>();

  constructor(tls: WorkerTls) {
    this.#tls = tls;
  }

  /** Returns the target with this thread's connections to its server. */
  connect(target: PortableTarget): CallTarget {
    const { server, serverId, isLaunched } = target;
    let client = this.#clients.get(serverId);
    if (!client) {
      // A server that the router started is on the loopback interface, with a certificate for some other name.
      const tls: WorkerTls = isLaunched ? { ...this.#tls, rejectUnauthorized: false } : this.#tls;
      client = createClient(new URL(server).origin, tls);
      this.#clients.set(serverId, client);
    }
    return { ...target, client };
  }

  /** The server was taken out: ends its calls, with the error if there is one. */
  close(serverId: number, error: Error | undefined): void {
    void this.#clients.get(serverId)?.destroy(error);
    this.#clients.delete(serverId);
  }

  closeAll(): void {
    for (const serverId of this.#clients.keys()) this.close(serverId, undefined);
  }
}
