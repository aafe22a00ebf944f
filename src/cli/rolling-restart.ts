import type { Server } from '../launch/server.ts';
import type { Log } from '../observe/log/log.ts';

/** What a rolling restart does to a server. */
export interface Rolling {
  readonly log: Log;
  /** Sends it nothing new; resolves when what it had is finished. */
  drain(server: Server): Promise<unknown>;
  /** Ends it and starts it again; resolves when it is ready, or with false when it does not come up any more. */
  restart(server: Server): Promise<boolean>;
}

/** Restarts every ready server, each while at least one other of its role is ready. Stops at the first that does not come back. */
export async function rollingRestart(servers: readonly Server[], { log, drain, restart }: Rolling): Promise<void> {
  const due = servers.filter(({ ready }) => ready);
  for (const [index, server] of due.entries()) {
    const { name, role } = server.plan;
    // Its own supervision has it since.
    if (!server.ready) continue;
    if (!servers.some((other) => other !== server && other.ready && other.plan.role === role)) {
      log.error(`no rolling restart of ${name}: no other ${role === 'regular' ? '' : `${role} `}server is ready`);
      return;
    }
    log.info(`rolling restart, ${index + 1} of ${due.length}: ${name} finishes its requests and is started again`);
    await drain(server);
    if (!(await restart(server))) {
      log.error(`the rolling restart ends here: ${name} did not come back`);
      return;
    }
  }
  log.info(`rolling restart done: ${due.length} servers`);
}
