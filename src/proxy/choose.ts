import { RouterError } from '../errors.ts';
import type { Choice, Hints, Policy } from '../policies/policy.ts';
import type { Target } from './target.ts';

/** The targets of one role, or those of them that serve a model; each array is a new one after every change. */
export interface Targets {
  /** Those that may receive traffic now. */
  available(model?: string): readonly Target[];
  /** Those that are up but were taken out, the least bad first. */
  lastResort(model?: string): readonly Target[];
}

/** What tells who may be asked, and who is best. */
export interface Wanted {
  readonly hints: Hints;
  /** Whom the request was sent to before. */
  readonly tries: { readonly tried: readonly Target[] };
  /** The model that it is for, where workers serve several. */
  readonly model: string | undefined;
}

/**
 * The policy's pick among the targets that may be asked: those not tried yet, else all of them. When none is available,
 * the least bad is tried all the same. Throws RouterError `no_available_workers` when there is nobody at all.
 */
export function choose(
  policy: Policy,
  targets: Targets,
  { hints, tries: { tried }, model }: Wanted,
  explain: boolean,
): Choice<Target> {
  const available = targets.available(model);
  if (available.length > 0) return policy.pick(untried(available, tried) ?? available, hints, explain);
  const bad = targets.lastResort(model);
  const [leastBad] = untried(bad, tried) ?? bad;
  if (!leastBad) throw noWorker(model);
  return policy.pick([leastBad], hints, explain);
}

/** Those not tried yet; undefined when all have been. */
export function untried(targets: readonly Target[], tried: readonly Target[]): readonly Target[] | undefined {
  if (tried.length === 0) return targets;
  const rest = targets.filter((target) => !tried.includes(target));
  return rest.length > 0 ? rest : undefined;
}

/** What a request gets when there is nobody to ask. */
export function noWorker(model?: string): RouterError {
  const whose = model === undefined ? 'no worker' : `no worker with model ${model}`;
  return new RouterError('no_available_workers', `${whose} is ready; GET /readiness tells more`, { retryAfterSecs: 1 });
}
