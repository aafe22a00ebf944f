import { RouterError } from '../errors/errors.ts';
import type { Choice, Hints, Policy } from './policies/policy.ts';
import type { Suspects } from './suspects.ts';
import type { Target } from './target.ts';

/** The targets of one role, or those of them that serve a model; each array is a new one after every change. */
export interface Targets {
  /** Those that may receive traffic now. */
  available(model?: string): readonly Target[];
  /** Those that are up but were taken out, the least bad first. */
  lastResort(model?: string): readonly Target[];
}

/** What the choice of a worker depends on. */
export interface RequestProfile {
  readonly hints: Hints;
  /** The workers that the request was sent to before. */
  readonly tries: { readonly tried: readonly Target[]; readonly apartFrom: Suspects | undefined };
  /** The model that it is for, where workers serve several. */
  readonly model: string | undefined;
  /** Which requests it may be compared with; undefined where that is not known. */
  readonly kind: string | undefined;
  /** The URL of the worker that stores what the request refers to; undefined where any may be asked. */
  readonly owner: string | undefined;
}

/**
 * The policy's pick among the `candidates`. When none is available, the least bad is tried all the same. Throws RouterError
 * `no_available_workers` when there is no worker at all.
 */
export function choose(policy: Policy, targets: Targets, profile: RequestProfile, explain: boolean): Choice<Target> {
  const { hints, model } = profile;
  const available = targets.available(model);
  if (available.length > 0) return policy.pick(candidates(available, profile), hints, explain);
  const [leastBad] = candidates(targets.lastResort(model), profile);
  if (!leastBad) throw noWorker(model);
  return policy.pick([leastBad], hints, explain);
}

/** Whether a worker is left that the request was not sent to yet. */
export function isAnyUntried(targets: Targets, profile: RequestProfile): boolean {
  const available = targets.available(profile.model);
  const asked = available.length > 0 ? available : targets.lastResort(profile.model);
  return candidates(asked, profile).some((target) => !profile.tries.tried.includes(target));
}

/**
 * Three filters, each left out where it would leave no worker: not held back for its errors; not tried by this request yet;
 * and, for a request that may have ended a server, without another request of that kind.
 */
function candidates(
  targets: readonly Target[],
  { tries: { tried, apartFrom }, kind }: RequestProfile,
): readonly Target[] {
  const free = isAnyHeld(targets, kind) ? orAll(targets, (target) => !target.holds(kind)) : targets;
  const untried = tried.length === 0 ? free : orAll(free, (target) => !tried.includes(target));
  return apartFrom ? orAll(untried, ({ server }) => !apartFrom.has(server)) : untried;
}

/** Looked at first, so that a choice costs no array while nobody is held back. */
function isAnyHeld(targets: readonly Target[], kind: string | undefined): boolean {
  for (const target of targets) if (target.holds(kind)) return true;
  return false;
}

function orAll(targets: readonly Target[], isFit: (target: Target) => boolean): readonly Target[] {
  const some = targets.filter(isFit);
  return some.length > 0 ? some : targets;
}

/** What a request gets when there is nobody to ask. */
export function noWorker(model?: string): RouterError {
  const whose = model === undefined ? 'no worker' : `no worker with model ${model}`;
  return new RouterError('no_available_workers', `${whose} is ready; GET /readiness tells more`, { retryAfterSecs: 1 });
}
