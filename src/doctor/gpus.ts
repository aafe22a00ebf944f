import type { LaunchConfig } from '../config/launch.ts';
import { ExitError } from '../errors/errors.ts';
import { countableGpus, fillGpus, type Gpus, checkGpus as requireGpus } from '../launch/gpus.ts';
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

/** How many there are, whether the launch fits, and who holds them. Nothing where the driver's row says what is wrong. */
export async function checkGpus({ launch, env, machine }: Subject): Promise<readonly Finding[]> {
  if (!usesGpus(launch)) return [ok('not needed')];
  const nvidia = await machine.nvidia();
  const gpus = await countableGpus(launch, env);
  if (!gpus && nvidia.kind === 'broken') return [];
  const there = nvidia.kind === 'told' ? nvidia.gpus : [];
  return [countFinding(launch, gpus, there), ...(await Promise.all(there.filter(isHeld).map(heldFinding)))];
}

function countFinding(launch: LaunchConfig, gpus: Gpus | undefined, there: readonly NvidiaGpu[]): Finding {
  if (!gpus) {
    if (there.length > 0) return ok(`${namesOf(there)}; how many of them this launch may use cannot be told`);
    return problem('no GPU: neither nvidia-smi nor rocm-smi lists one', TRY_WITHOUT);
  }
  const { count, source } = gpus;
  const about = { count, source, gpus: there };
  try {
    requireGpus(fillGpus(launch, gpus), gpus);
    return ok(`${count} (${source})${there.length > 0 ? `: ${namesOf(there)}` : ''}`, about);
  } catch (error) {
    if (!(error instanceof ExitError)) throw error;
    return problem(error.message, error.hint, about);
  }
}

/** `8 × NVIDIA H200 (141 GB)`. */
function namesOf(gpus: readonly NvidiaGpu[]): string {
  // Some GPUs share the memory of the machine, and tell no size.
  const sizeOf = (totalMiB: number) => (totalMiB > 0 ? ` (${gigabytes(totalMiB)})` : '');
  const kinds = Map.groupBy(gpus, ({ name, totalMiB }) => `${name}${sizeOf(totalMiB)}`);
  return [...kinds].map(([kind, { length }]) => `${length} × ${kind}`).join(', ');
}

/** Others use it. */
function isHeld({ usedMiB, totalMiB, holders }: NvidiaGpu): boolean {
  return holders.length > 0 || usedMiB > IDLE_SHARE * totalMiB;
}

/** SGLang takes what is free for its KV cache, and fails where that is too little. */
async function heldFinding({ index, usedMiB, totalMiB, holders }: NvidiaGpu): Promise<Finding> {
  const who = await Promise.all(holders.map(describe));
  const by = who.length > 0 ? who.join('; ') : 'processes that cannot be seen from here, as those of another container';
  const hint = 'end them, or leave this GPU out with CUDA_VISIBLE_DEVICES or --base-gpu-id';
  const text = `GPU ${index}: ${gigabytes(usedMiB)} of ${gigabytes(totalMiB)} are held by ${by}`;
  return warning(text, hint, { gpu: index, holders });
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
