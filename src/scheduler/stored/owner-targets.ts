import type { Targets } from '../choose.ts';
import type { Target } from '../target.ts';

/**
 * Of `targets` the one that stores what a request refers to, whatever its breaker says, as nobody else can answer. All of them where it is
 * not there: any worker's own error is then the client's.
 */
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
