import type { Targets } from '../choose.ts';
import type { Target } from '../target.ts';

/** The owner among `targets`, even if its breaker is open, as no other can answer. All targets if it is gone: the client then gets any worker's error. */
export function ownerTargets(targets: Targets, owner: string | undefined): Targets {
  if (owner === undefined) return targets;
  const of = (some: readonly Target[]) => some.filter((target) => target.url === owner || target.server === owner);
  return {
    available: (model) => {
      const kept = of(targets.available(model));
      if (kept.length > 0) return kept;
      return of(targets.lastResort(model)).length > 0 ? [] : targets.available(model);
    },
    lastResort: (model) => {
      const bad = targets.lastResort(model);
      const kept = of(bad);
      return kept.length > 0 ? kept : bad;
    },
  };
}
