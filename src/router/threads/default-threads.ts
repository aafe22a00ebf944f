import { availableParallelism } from 'node:os';
import { SPREADS_CONNECTIONS } from '../../http/edge/acceptors.ts';

const FEWEST_CORES = 8;
const CORES_PER_THREAD = 4;
const MOST_BY_DEFAULT = 8;

/** Data threads without `--data-threads`: one where cores are few, or where the system does not spread connections over threads. */
export function defaultThreads(cores = availableParallelism(), spreads = SPREADS_CONNECTIONS): number {
  if (!spreads || cores < FEWEST_CORES) return 1;
  return Math.min(MOST_BY_DEFAULT, Math.floor(cores / CORES_PER_THREAD));
}
