import type { LaunchConfig } from '../config/launch.ts';
import type { Engine } from './engine.ts';

/** Servers listen on loopback alone: clients reach them through the router. */
export const SERVER_HOST = '127.0.0.1';

/** One server to start: everything but its port, which may change when another program takes it. */
export interface ServerPlan {
  readonly rank: number;
  /** Prefix of its output, name of its log file. */
  readonly name: string;
  /** Devices it will use, as SGLang numbers them among the visible ones. */
  readonly gpus: readonly number[];
  readonly scheme: 'http' | 'https';
  command(port: number): Command;
}

export interface Command {
  readonly file: string;
  readonly args: readonly string[];
  /** Added to our own environment. */
  readonly env: Readonly<Record<string, string>>;
}

type PlanInput = Pick<LaunchConfig, 'dpSize' | 'gpu' | 'serverArgs' | 'serverTls'>;

/** What runs where: `dpSize` independent servers, each with the next GPUs. */
export function planServers(launch: PlanInput, engine: Engine): ServerPlan[] {
  return Array.from({ length: launch.dpSize }, (_, rank) => planServer(rank, launch, engine));
}

function planServer(rank: number, { gpu, serverArgs, serverTls }: PlanInput, engine: Engine): ServerPlan {
  const baseGpu = gpu.base + rank * gpu.perServer * gpu.step;
  return {
    rank,
    name: `w${rank}`,
    gpus: Array.from({ length: gpu.perServer }, (_, index) => baseGpu + index * gpu.step),
    scheme: serverTls ? 'https' : 'http',
    command: (port) => ({
      file: engine.file,
      // Ours come last: argparse lets the last one win.
      args: [
        ...engine.leadingArgs,
        ...serverArgs,
        ...['--host', SERVER_HOST, '--port', String(port)],
        ...['--dp-size', '1', '--base-gpu-id', String(baseGpu)],
        ...engine.trailingArgs,
      ],
      // Unbuffered, so that the phases are seen when they happen.
      env: { SGLANG_DP_RANK: String(rank), PYTHONUNBUFFERED: '1' },
    }),
  };
}

/** `GPU 0`, `GPUs 0-3`, `GPUs 0,2,4`. */
export function describeGpus(gpus: readonly number[]): string {
  const first = gpus[0] ?? 0;
  if (gpus.length === 1) return `GPU ${first}`;
  const consecutive = gpus.every((gpu, index) => gpu === first + index);
  return `GPUs ${consecutive ? `${first}-${gpus.at(-1)}` : gpus.join(',')}`;
}
