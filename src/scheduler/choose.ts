import { RouterError } from '../errors/errors.ts';
import type { Choice, Hints, Policy } from './policies/policy.ts';
import type { Suspects } from './suspects.ts';
import type { Target } from './target.ts';

/** The targets of one role, or of a model within it; every change makes new arrays. */
export interface Targets {
  /** Targets that may receive traffic now. */
  available(model?: string): readonly Target[];
  /** Targets that are up but were taken out, the least bad first. */
  lastResort(model?: string): readonly Target[];
}

/** What the choice of a worker depends on: the request, and its earlier attempts. */
export interface RequestProfile {
  readonly hints: Hints;
  /** The targets that the request was sent to before, and the servers to keep it apart from. */
  readonly tries: { readonly tried: readonly Target[]; readonly apartFrom: Suspects | undefined };
  /** The request's model, where workers serve several. */
  readonly model: string | undefined;
  /** The kind of request, for comparing workers; undefined where it cannot be compared. */
  readonly kind: string | undefined;
  /** The URL of the worker that stores what the request refers to; undefined if any worker will do. */
  readonly owner: string | undefined;
}

/** Lets the policy pick a target; without an available one, the least bad. Throws RouterError `no_available_workers` when there is none at all. */
export function choose(policy: Policy, targets: Targets, profile: RequestProfile, explain: boolean): Choice<Target> {
  const { hints, model } = profile;
  const available = targets.available(model);
  if (available.length > 0) return policy.pick(candidates(available, profile), hints, explain);
  const [leastBad] = candidates(targets.lastResort(model), profile);
  if (!leastBad) throw noWorker(model);
  return policy.pick([leastBad], hints, explain);
}

/** Whether a worker is left that the request has not tried. */
export function isAnyUntried(targets: Targets, profile: RequestProfile): boolean {
  const available = targets.available(profile.model);
  const asked = available.length > 0 ? available : targets.lastResort(profile.model);
  return candidates(asked, profile).some((target) => !profile.tries.tried.includes(target));
}

/** Prefers targets that are not held back for errors, then untried ones, then, for a request that may have ended a server, those without another such request. */
function candidates(
  targets: readonly Target[],
  { tries: { tried, apartFrom }, kind }: RequestProfile,
): readonly Target[] {
  const free = isAnyHeld(targets, kind) ? orAll(targets, (target) => !target.holds(kind)) : targets;
  const untried = tried.length === 0 ? free : orAll(free, (target) => !tried.includes(target));
  return apartFrom ? orAll(untried, ({ server }) => !apartFrom.has(server)) : untried;
}

/** Checked first, so that a choice makes no array while no target is held back. */
function isAnyHeld(targets: readonly Target[], kind: string | undefined): boolean {
  for (const target of targets) if (target.holds(kind)) return true;
  return false;
}

function orAll(targets: readonly Target[], isFit: (target: Target) => boolean): readonly Target[] {
  const some = targets.filter(isFit);
  return some.length > 0 ? some : targets;
}

/** The error for a request when there is no worker. */
export function noWorker(model?: string): RouterError {
  const whose = model === undefined ? 'no worker' : `no worker with model ${model}`;
  return new RouterError('no_available_workers', `${whose} is ready; GET /readiness tells more`, { retryAfterSecs: 1 });
}
