import { ExitError } from '../errors/errors.ts';
import { countableGpus, fillGpus, checkGpus as requireGpus } from '../launch/gpus.ts';
import type { Holder, NvidiaGpu } from '../launch/nvidia.ts';
import { commandLine, describeHolder } from '../os/port-holder.ts';
import { type Finding, ok, problem, type Subject, usesGpus, warning } from './check.ts';

/** What an idle GPU has in use. */
const IDLE_SHARE = 0.05;
const TRY_WITHOUT = 'to try without a GPU use --sim';

/** The driver, and whether it is new enough for torch. */
export async function checkDriver({ launch, machine }: Subject): Promise<readonly Finding[]> {
  if (!usesGpus(launch)) return [ok('not needed: the servers use no GPU')];
  const nvidia = await machine.nvidia();
  if (nvidia.kind === 'missing') return [];
  if (nvidia.kind === 'broken') {
    return [
      problem(
        `nvidia-smi fails: ${nvidia.problem}`,
        `install the driver again, or restart the machine; ${TRY_WITHOUT}`,
      ),
    ];
  }
  const { driver, cuda } = nvidia;
  const text = `NVIDIA ${driver}${cuda === undefined ? '' : `, for CUDA up to ${cuda}`}`;
  const { facts } = await machine.python();
  const needed = facts?.torch?.cuda;
  const about = { version: driver, cuda };
  // Within a major version older drivers run newer builds.
  if (needed && cuda && Number.parseInt(needed, 10) > Number.parseInt(cuda, 10)) {
    const hint = `install a newer driver, or a torch built for CUDA ${Number.parseInt(cuda, 10)}`;
    return [problem(`${text}: too old for torch, which is built for CUDA ${needed}`, hint, about)];
  }
  return [ok(text, about)];
}

/** How many there are, whether the launch fits, and who holds them. */
export async function checkGpus(subject: Subject): Promise<readonly Finding[]> {
  const { launch, env, machine } = subject;
  if (!usesGpus(launch)) return [ok('not needed')];
  const nvidia = await machine.nvidia();
  const gpus = await countableGpus(launch, env);
  const there = nvidia.kind === 'told' ? nvidia.gpus : [];
  const findings = await Promise.all(there.flatMap((gpu) => heldFinding(gpu) ?? []));
  if (!gpus) {
    const why = there.length > 0 ? 'how many of them this launch may use cannot be told' : noGpu(nvidia.kind);
    return [there.length > 0 ? ok(`${namesOf(there)}; ${why}`) : problem(why, TRY_WITHOUT), ...findings];
  }
  const text =
    there.length > 0 ? `${gpus.count} (${gpus.source}): ${namesOf(there)}` : `${gpus.count} (${gpus.source})`;
  const about = { count: gpus.count, source: gpus.source, gpus: there };
  try {
    requireGpus(fillGpus(launch, gpus), gpus);
    return [ok(text, about), ...findings];
  } catch (error) {
    if (!(error instanceof ExitError)) throw error;
    return [problem(gpus.count === 0 ? `none: ${gpus.source}` : error.message, error.hint, about), ...findings];
  }
}

function noGpu(nvidiaSmi: 'told' | 'missing' | 'broken'): string {
  const problem = { told: 'nvidia-smi lists none', broken: 'nvidia-smi fails', missing: 'there is no nvidia-smi' }[
    nvidiaSmi
  ];
  return `no GPU: ${problem}, and no rocm-smi that lists one`;
}

/** `8 × NVIDIA H200 (141 GB)`. */
function namesOf(gpus: readonly NvidiaGpu[]): string {
  // Some GPUs share the memory of the machine, and tell no size.
  const sizeOf = (totalMiB: number) => (totalMiB > 0 ? ` (${gigabytes(totalMiB)})` : '');
  const kinds = Map.groupBy(gpus, ({ name, totalMiB }) => `${name}${sizeOf(totalMiB)}`);
  return [...kinds].map(([kind, { length }]) => `${length} × ${kind}`).join(', ');
}

/** A GPU that others use: SGLang takes what is free for its KV cache, and fails where that is too little. */
function heldFinding({ index, usedMiB, totalMiB, holders }: NvidiaGpu): Promise<Finding> | undefined {
  if (holders.length === 0 && usedMiB <= IDLE_SHARE * totalMiB) return undefined;
  return (async () => {
    const who = await Promise.all(holders.map(describe));
    const by =
      who.length > 0 ? who.join('; ') : 'processes that cannot be seen from here, as those of another container';
    const text = `GPU ${index}: ${gigabytes(usedMiB)} of ${gigabytes(totalMiB)} are held by ${by}`;
    return warning(text, 'end them, or leave this GPU out with CUDA_VISIBLE_DEVICES or --base-gpu-id', {
      gpu: index,
      holders,
    });
  })();
}

/** nvidia-smi cuts names, and shows pids of outside a container as well. */
async function describe({ pid, name, memoryMiB }: Holder): Promise<string> {
  const words = await commandLine(pid);
  const who = words.length > 0 ? describeHolder(pid, words) : `pid ${pid} (${name})`;
  return memoryMiB > 0 ? `${who} with ${gigabytes(memoryMiB)}` : who;
}

function gigabytes(mebibytes: number): string {
  const value = (mebibytes * 2 ** 20) / 1e9;
  return `${value < 10 ? value.toFixed(1) : Math.round(value)} GB`;
}
