import { RouterError } from '../errors.ts';
import type { Choice, Hints, Policy } from '../policies/policy.ts';
import type { Target } from './target.ts';

/** The policy's pick among the available workers not tried yet. Throws RouterError `no_available_workers` when none is left. */
export function choose(
  policy: Policy,
  available: readonly Target[],
  tried: readonly Target[],
  hints: Hints,
  explain: boolean,
): Choice<Target> {
  const candidates = tried.length === 0 ? available : available.filter((target) => !tried.includes(target));
  if (candidates.length === 0) {
    const tries = tried.length === 0 ? 'no worker is ready' : `none of ${tried.length} workers could be reached`;
    throw new RouterError('no_available_workers', `${tries}; GET /readiness tells more`, { retryAfterSecs: 1 });
  }
  return policy.pick(candidates, hints, explain);
}
