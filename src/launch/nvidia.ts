import { execa } from 'execa';
import { reasonOf } from './python-facts.ts';

/** Without its daemon nvidia-smi takes seconds, and with a broken driver it never ends. */
export const TOOL_TIMEOUT_MS = 15_000;

/** A process that holds memory of a GPU. */
export interface Holder {
  readonly pid: number;
  readonly name: string;
  readonly memoryMiB: number;
}

export interface NvidiaGpu {
  readonly index: number;
  readonly name: string;
  readonly totalMiB: number;
  readonly usedMiB: number;
  /** Those that can be seen from here: of other containers none are. */
  readonly holders: readonly Holder[];
}

/** What nvidia-smi tells, or why it tells nothing; `missing` where it is not there. */
export type Nvidia =
  | {
      readonly kind: 'told';
      readonly driver: string;
      /** The newest CUDA that the driver knows. */
      readonly cuda: string | undefined;
      readonly gpus: readonly NvidiaGpu[];
    }
  | { readonly kind: 'missing' }
  | { readonly kind: 'broken'; readonly problem: string };

const GPU_FIELDS = 'index,uuid,driver_version,memory.total,memory.used,name';
const PROCESS_FIELDS = 'gpu_uuid,pid,used_memory,process_name';

/** Asks nvidia-smi for the driver, its GPUs and who uses them. */
export async function askNvidia(env: NodeJS.ProcessEnv): Promise<Nvidia> {
  const gpus = await run(env, `--query-gpu=${GPU_FIELDS}`, '--format=csv,noheader,nounits');
  if (gpus.code === 'ENOENT') return { kind: 'missing' };
  if (gpus.timedOut) return { kind: 'broken', problem: `it did not answer within ${TOOL_TIMEOUT_MS / 1000} s` };
  if (gpus.failed) {
    // It tells on standard output what is wrong.
    const said = gpus.stdout.trim().split('\n')[0];
    return { kind: 'broken', problem: said || reasonOf(gpus) };
  }
  const processes = await run(env, `--query-compute-apps=${PROCESS_FIELDS}`, '--format=csv,noheader,nounits');
  const banner = await run(env);
  const [, cuda] = /CUDA (?:UMD )?Version\s*:\s*(\d+\.\d+)/.exec(banner.stdout) ?? [];
  return toldBy(rowsOf(gpus.stdout, 6), rowsOf(processes.failed ? '' : processes.stdout, 4), cuda);
}

function toldBy(gpus: readonly string[][], processes: readonly string[][], cuda: string | undefined): Nvidia {
  const holders = Map.groupBy(processes, ([uuid]) => uuid);
  return {
    kind: 'told',
    driver: gpus[0]?.[2] ?? 'unknown',
    cuda,
    gpus: gpus.map(([index, uuid, , total, used, name = '']) => ({
      index: Number(index),
      name,
      totalMiB: Number(total) || 0,
      usedMiB: Number(used) || 0,
      holders: (holders.get(uuid) ?? []).map(([, pid, memory, command = '']) => ({
        pid: Number(pid),
        name: command,
        memoryMiB: Number(memory) || 0,
      })),
    })),
  };
}

/** Rows of so many cells; the last may have commas. Other lines are warnings. */
function rowsOf(text: string, cells: number): string[][] {
  return text.split('\n').flatMap((line) => {
    const words = line.split(',').map((word) => word.trim());
    if (words.length < cells) return [];
    return [[...words.slice(0, cells - 1), words.slice(cells - 1).join(', ')]];
  });
}

function run(env: NodeJS.ProcessEnv, ...args: string[]) {
  const options = { env, extendEnv: false, reject: false, stdin: 'ignore', timeout: TOOL_TIMEOUT_MS } as const;
  return execa('nvidia-smi', args, options);
}
