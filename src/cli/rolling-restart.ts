import type { Fleet } from '../launch/fleet.ts';
import type { Server } from '../launch/server.ts';

/** What a rolling restart does to a server. */
export interface Rolling {
  /** Hears how it goes. */
  tell(line: string): void;
  /** Sends it nothing new; resolves when what it had is finished. */
  drain(server: Server): Promise<unknown>;
  /** Ends it and starts it again; resolves when it is ready, or with false when it does not come up any more. */
  restart(server: Server): Promise<boolean>;
}

/** Which servers are restarted. */
interface Due {
  /** Every ready one where none is named. */
  readonly names: readonly string[];
  /** Also while no other of its role is ready: requests wait meanwhile. */
  readonly force: boolean;
}

/**
 * Restarts servers one after the other, each while at least one other of its role is ready. Stops at the first that
 * does not come back. Resolves with what went wrong, undefined when nothing did.
 */
export async function rollingRestart(
  servers: readonly Server[],
  { names, force }: Due,
  { tell, drain, restart }: Rolling,
): Promise<string | undefined> {
  const all = servers.map(({ plan }) => plan.name);
  const unknown = names.find((name) => !all.includes(name));
  if (unknown !== undefined) return `there is no server ${unknown}; the servers are ${all.join(', ')}`;
  const due = servers.filter(({ ready, plan }) => (names.length === 0 ? ready : names.includes(plan.name)));
  for (const [index, server] of due.entries()) {
    const { name, role } = server.plan;
    // Its own supervision has it since. Who names one means it also when it hangs or stays down.
    if (!server.ready && names.length === 0) continue;
    if (server.ready && !hasStandIn(server, servers) && !force) {
      return `no rolling restart of ${name}: no other ${role === 'regular' ? '' : `${role} `}server is ready`;
    }
    tell(`rolling restart, ${index + 1} of ${due.length}: ${name} finishes its requests and is started again`);
    if (server.ready) await drain(server);
    if (!(await restart(server))) return `the rolling restart ends here: ${name} did not come back`;
  }
  tell(`rolling restart done: ${due.length} ${due.length === 1 ? 'server' : 'servers'}`);
  return undefined;
}

/** Whether another server of its role is ready. */
export function hasStandIn(server: Server, servers: readonly Server[]): boolean {
  return servers.some((other) => other !== server && other.ready && other.plan.role === server.plan.role);
}

/** Resolves when a server that starts is ready, or false when it never will be. */
export function comesUp(fleet: Fleet, server: Server, isGivenUp: () => boolean): Promise<boolean> {
  return new Promise((resolve) => {
    const look = () => {
      if (!server.ready && !isGivenUp()) return;
      fleet.off('changed', look).off('failed', look);
      resolve(server.ready);
    };
    fleet.on('changed', look).on('failed', look);
    look();
  });
}
