import type { Ports } from '../os/ports.ts';
import type { ServerPlan } from './plan.ts';

/** What a server listens on. */
export interface ServerPorts {
  readonly port: number;
  /** Prefill servers: where decode servers come. */
  readonly bootstrapPort: number | undefined;
}

/** Free ports for a server of that role. Throws `port_in_use` when there are none. */
export async function takePorts({ role }: ServerPlan, ports: Ports): Promise<ServerPorts> {
  return { port: await ports.next(), bootstrapPort: role === 'prefill' ? await ports.next() : undefined };
}
