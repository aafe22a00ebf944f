import { execa } from 'execa';
import type { LaunchConfig } from '../config/launch.ts';
import { AUTO } from '../config/launch-options.ts';
import { ExitError } from '../errors/errors.ts';
import { TOOL_TIMEOUT_MS } from './nvidia.ts';

/** What is asked which GPUs there are, how it names one in its output, and the variables that hide some, one after the other. */
const TOOLS = [
  {
    command: ['nvidia-smi', '-L'],
    gpu: /^GPU \d+:/gm,
    hiding: () => ['CUDA_VISIBLE_DEVICES'],
  },
  {
    command: ['rocm-smi', '--showid'],
    gpu: /^GPU\[\d+\]/gm,
    // An empty variable hides nothing here, and HIP reads CUDA's where it has no own.
    hiding: (env: NodeJS.ProcessEnv) => [
      ...(env.ROCR_VISIBLE_DEVICES ? ['ROCR_VISIBLE_DEVICES'] : []),
      ...['HIP_VISIBLE_DEVICES', 'CUDA_VISIBLE_DEVICES'].filter((name) => env[name]).slice(0, 1),
    ],
  },
] as const;

/** The GPUs that servers can use, and who says so: `nvidia-smi`, `CUDA_VISIBLE_DEVICES=0,1 of the 8 of nvidia-smi`. */
export interface Gpus {
  readonly count: number;
  readonly source: string;
}

/** Which GPUs servers started with this environment will see; undefined where nothing tells. */
export async function visibleGpus(env: NodeJS.ProcessEnv): Promise<Gpus | undefined> {
  for (const { command, gpu, hiding } of TOOLS) {
    const [tool, flag] = command;
    const options = { env, extendEnv: false, reject: false, stdin: 'ignore', timeout: TOOL_TIMEOUT_MS } as const;
    const { failed, stdout } = await execa(tool, [flag], options);
    if (failed) continue;
    const there = new Set(stdout.match(gpu)).size;
    // A GPU that is cut into parts (MIG) counts as CUDA decides.
    if (there > 0 && !/^ +MIG /m.test(stdout)) return hidden({ count: there, source: tool }, hiding(env), env);
  }
  return undefined;
}

/** The GPUs of this machine as far as the servers of this launch would use them and something tells how many there are. */
export async function countableGpus(launch: LaunchConfig, env: NodeJS.ProcessEnv): Promise<Gpus | undefined> {
  return problemOfCounting(launch) === undefined ? visibleGpus(env) : undefined;
}

/** The launch with the servers of `--dp-size auto`: all GPUs ÷ (tp × pp). Throws a usage error where not one fits. */
export function fillGpus(launch: LaunchConfig, gpus: Gpus | undefined): LaunchConfig {
  const { servers, gpu } = launch;
  if (servers.regular !== Number.POSITIVE_INFINITY) return launch;
  if (gpus === undefined) {
    const problem = problemOfCounting(launch) ?? 'neither nvidia-smi nor rocm-smi tells how many there are';
    throw new ExitError('usage', `--dp-size ${AUTO}: the GPUs cannot be counted: ${problem}`, {
      hint: 'write the number of servers: --dp-size N',
    });
  }
  // One at least, so that it is refused with the numbers where not even that fits.
  const regular = Math.max(1, serversThatFit(gpu, gpus));
  return { ...launch, servers: { ...servers, regular } };
}

/** Throws a usage error where the servers would use GPUs beyond those there are. */
export function checkGpus({ servers, gpu }: Pick<LaunchConfig, 'servers' | 'gpu'>, gpus: Gpus): void {
  const { count, source } = gpus;
  const wanted = servers.regular + servers.prefill + servers.decode;
  const used = wanted * gpu.perServer;
  const last = gpu.base + (used - 1) * gpu.step;
  if (last < count) return;
  const fit = serversThatFit(gpu, gpus);
  const each = gpu.perServer === 1 ? '' : ` of ${gpu.perServer} GPUs (tp × pp)`;
  const start = gpu.base === 0 ? '' : ` from GPU ${gpu.base} on (--base-gpu-id)`;
  const step = gpu.step === 1 ? '' : `, ${gpu.step} apart (--gpu-id-step)`;
  const fewer = servers.regular > 0 ? '--dp-size' : '--router-prefill-size, --router-decode-size';
  throw new ExitError(
    'usage',
    `${wanted} ${wanted === 1 ? 'server' : 'servers'}${each}${start}${step} need${wanted === 1 ? 's' : ''} ${last + 1} GPUs, and there are ${count} (${source})`,
    {
      hint: `${fit === 0 ? 'not one server fits' : `at most ${fit} fit`}: lower ${fewer} or --tp-size; to try without GPUs use --sim`,
    },
  );
}

function serversThatFit({ base, step, perServer }: LaunchConfig['gpu'], { count }: Gpus): number {
  return Math.max(0, Math.floor(((count - 1 - base) / step + 1) / perServer));
}

/** Why the GPUs of this machine say nothing of how many servers fit; undefined where they do. */
function problemOfCounting({ sim, device, nodes }: LaunchConfig): string | undefined {
  if (sim) return 'simulated engines (--sim) use none';
  if (!device.startsWith('cuda')) return `the servers run on another device (--device ${device})`;
  return nodes === 1 ? undefined : `the servers span ${nodes} machines (--nnodes)`;
}

/** CUDA takes the list up to the first entry that is none of its GPUs. */
function hidden(gpus: Gpus, variables: readonly string[], env: NodeJS.ProcessEnv): Gpus {
  let { count, source } = gpus;
  for (const name of variables) {
    const value = env[name];
    if (value === undefined) continue;
    const entries = value.split(',').map((entry) => entry.trim());
    const end = entries.findIndex((entry) => entry === '' || Number(entry) < 0 || Number(entry) >= count);
    count = end < 0 ? entries.length : end;
    source = `${name}=${value} of the ${gpus.count} of ${gpus.source}`;
  }
  return { count, source };
}
