import { RouterError } from '../errors.ts';
import type { Choice, Hints, Policy } from '../policies/policy.ts';
import type { Target } from './target.ts';

/** The targets of one role; each array is a new one after every change. */
export interface Targets {
  /** Those that may receive traffic now. */
  available(): readonly Target[];
  /** Those that are up but were taken out, the least bad first. */
  lastResort(): readonly Target[];
}

/**
 * The policy's pick among the targets that may be asked: those not tried yet, else all of them. When none is available,
 * the least bad is tried all the same. Throws RouterError `no_available_workers` when there is nobody at all.
 */
export function choose(
  policy: Policy,
  targets: Targets,
  tried: readonly Target[],
  hints: Hints,
  explain: boolean,
): Choice<Target> {
  const available = targets.available();
  if (available.length > 0) return policy.pick(untried(available, tried) ?? available, hints, explain);
  const bad = targets.lastResort();
  const [leastBad] = untried(bad, tried) ?? bad;
  if (!leastBad) throw noWorker();
  return policy.pick([leastBad], hints, explain);
}

/** Those not tried yet; undefined when all have been. */
export function untried(targets: readonly Target[], tried: readonly Target[]): readonly Target[] | undefined {
  if (tried.length === 0) return targets;
  const rest = targets.filter((target) => !tried.includes(target));
  return rest.length > 0 ? rest : undefined;
}

/** What a request gets when there is nobody to ask. */
export function noWorker(): RouterError {
  return new RouterError('no_available_workers', 'no worker is ready; GET /readiness tells more', {
    retryAfterSecs: 1,
  });
}
