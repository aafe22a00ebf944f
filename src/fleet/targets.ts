import type { Worker } from './worker.ts';
import { type TargetParts, WorkerTarget } from './worker-target.ts';

/** Targets for a server with that many data-parallel ranks; one rank is no rank. Throws RangeError when there are no slots for them. */
export function claimTargets(worker: Worker, parts: TargetParts, dpSize: number): readonly WorkerTarget[] {
  if (dpSize === 1) return [new WorkerTarget(worker, parts)];
  const targets: WorkerTarget[] = [];
  try {
    for (let rank = 0; rank < dpSize; rank++) targets.push(new WorkerTarget(worker, parts, rank));
  } catch (error) {
    for (const target of targets) void target.retire();
    throw error;
  }
  return targets;
}
