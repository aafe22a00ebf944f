import type { LaunchConfig } from '../config/launch.ts';
import { Ports } from '../os/ports.ts';
import type { Engine } from './engine.ts';

/** Servers listen on loopback alone: clients reach them through the router. */
export const SERVER_HOST = '127.0.0.1';

/** One server to start: everything but its ports, which may change when another program takes one. */
export interface ServerPlan {
  readonly rank: number;
  readonly role: ServerRole;
  /** Prefix of its output, name of its log file. */
  readonly name: string;
  /** Devices it will use, as SGLang numbers them among the visible ones. */
  readonly gpus: readonly number[];
  readonly scheme: 'http' | 'https';
  /** A prefill server listens on `bootstrapPort` too, where decode servers come for the KV cache. */
  command(port: number, bootstrapPort?: number): Command;
}

type ServerRole = keyof LaunchConfig['servers'];

export interface Command {
  readonly file: string;
  readonly args: readonly string[];
  /** Added to our own environment. */
  readonly env: Readonly<Record<string, string>>;
}

type PlanInput = Pick<LaunchConfig, 'servers' | 'gpu' | 'serverArgs' | 'serverTls'>;

const NAMES: Readonly<Record<ServerRole, string>> = { regular: 'w', prefill: 'prefill', decode: 'decode' };

/** What runs where: independent servers, each with the next GPUs. */
export function planServers(launch: PlanInput, engine: Engine): ServerPlan[] {
  const roles = (['regular', 'prefill', 'decode'] as const).flatMap((role) =>
    Array.from({ length: launch.servers[role] }, (_, index) => ({ role, name: `${NAMES[role]}${index}` })),
  );
  return roles.map((which, rank) => planServer(rank, which, launch, engine));
}

function planServer(
  rank: number,
  { role, name }: Pick<ServerPlan, 'role' | 'name'>,
  { gpu, serverArgs, serverTls }: PlanInput,
  engine: Engine,
): ServerPlan {
  const baseGpu = gpu.base + rank * gpu.perServer * gpu.step;
  return {
    rank,
    role,
    name,
    gpus: Array.from({ length: gpu.perServer }, (_, index) => baseGpu + index * gpu.step),
    scheme: serverTls ? 'https' : 'http',
    command: (port, bootstrapPort) => ({
      file: engine.file,
      // Ours come last: argparse lets the last one win.
      args: [
        ...engine.leadingArgs,
        ...serverArgs,
        ...['--host', SERVER_HOST, '--port', String(port)],
        ...['--dp-size', '1', '--base-gpu-id', String(baseGpu)],
        ...(role === 'regular' ? [] : ['--disaggregation-mode', role]),
        ...(bootstrapPort === undefined ? [] : ['--disaggregation-bootstrap-port', String(bootstrapPort)]),
        ...engine.trailingArgs,
      ],
      // Unbuffered, so that the phases are seen when they happen.
      env: { PYTHONUNBUFFERED: '1' },
    }),
  };
}

/** Where the servers of a launch find their ports. Throws a usage error where there are not enough. */
export async function portsFor({ workerBasePort, servers }: LaunchConfig): Promise<Ports> {
  const ports = await Ports.from(workerBasePort);
  // A prefill server has two.
  ports.require(servers.regular + 2 * servers.prefill + servers.decode);
  return ports;
}

/** `GPU 0`, `GPUs 0-3`, `GPUs 0,2,4`. */
export function describeGpus(gpus: readonly number[]): string {
  const first = gpus[0] ?? 0;
  if (gpus.length === 1) return `GPU ${first}`;
  const consecutive = gpus.every((gpu, index) => gpu === first + index);
  return `GPUs ${consecutive ? `${first}-${gpus.at(-1)}` : gpus.join(',')}`;
}
