import type { Snapshot } from './snapshot.ts';

/** The name of an event of the feed that has only what has changed since the one before. */
export const CHANGES = 'changes';

/** `now` without the workers that are as they were; undefined where one has come, gone or moved, so that all of it is to be told. */
export function changesSince(before: Snapshot, now: Snapshot): Snapshot | undefined {
  const { workers } = before;
  if (workers.length !== now.workers.length || workers.some(({ id }, at) => id !== now.workers[at]?.id))
    return undefined;
  return { ...now, workers: now.workers.filter((worker, at) => !isSame(worker, workers[at])) };
}

/** The snapshot after `before`, of what `changesSince` gave; what has not changed is the same object. */
export function withChanges(before: Snapshot, changes: Snapshot): Snapshot {
  const changed = new Map(changes.workers.map((worker) => [worker.id, worker]));
  return { ...changes, workers: before.workers.map((worker) => changed.get(worker.id) ?? worker) };
}

/** Of values of JSON. */
function isSame(one: unknown, other: unknown): boolean {
  if (one === other) return true;
  if (typeof one !== 'object' || typeof other !== 'object' || one === null || other === null) return false;
  for (const key in one) if (!isSame(one[key as keyof typeof one], other[key as keyof typeof other])) return false;
  return Array.isArray(one) ? one.length === (other as unknown[]).length : true;
}
