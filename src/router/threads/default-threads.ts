import { availableParallelism } from 'node:os';

const FEWEST_CORES = 8;
const CORES_PER_THREAD = 4;
const MOST_BY_DEFAULT = 8;

/** How many data threads a machine has unless it is told: one where cores are few, or where the system does not spread connections over several. */
export function defaultThreads(cores = availableParallelism(), platform: string = process.platform): number {
  if (platform !== 'linux' || cores < FEWEST_CORES) return 1;
  return Math.min(MOST_BY_DEFAULT, Math.floor(cores / CORES_PER_THREAD));
}
