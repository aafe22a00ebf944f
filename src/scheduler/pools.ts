import type { Role } from '../fleet/worker-spec.ts';
import type { Shape } from '../link/scheduling.ts';
import { isAnyUntried, type RequestProfile, type Targets } from './choose.ts';
import type { Policy } from './policies/policy.ts';
import { ownerTargets } from './stored/owner-targets.ts';

/** The workers of one role, and who chooses among them. */
export interface Pool {
  readonly targets: Targets;
  readonly policy: Policy;
}

/** A router's pools: regular workers, or prefill and decode servers. */
export type Pools = ReadonlyMap<Role, Pool>;

/** The roles that take part in an attempt, in the order in which they are asked. */
const ROLES: Readonly<Record<Shape, readonly Role[]>> = {
  regular: ['regular'],
  decode: ['decode'],
  pair: ['prefill', 'decode'],
  sequence: ['prefill', 'decode'],
};

/** The pools of an attempt of that shape. */
export function poolsOf(pools: Pools, shape: Shape): readonly Pool[] {
  return ROLES[shape].map((role) => pools.get(role) as Pool);
}

/** Whether every pool has a worker that may be asked, for a model where one is named. */
export function areReady(pools: Iterable<Pool>, model?: string): boolean {
  for (const { targets } of pools) {
    if (targets.available(model).length === 0 && targets.lastResort(model).length === 0) return false;
  }
  return true;
}

/** Whether a pool has a worker that the request has not tried. */
export function isAnyLeft(pools: Pools, profile: RequestProfile): boolean {
  for (const { targets } of pools.values()) {
    if (isAnyUntried(ownerTargets(targets, profile.owner), profile)) return true;
  }
  return false;
}
