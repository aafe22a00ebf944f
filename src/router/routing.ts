import type { Config } from '../config/options.ts';
import { NixlPlan } from '../data/prefill-decode/nixl-plan.ts';
import { PrefillDecodePlan } from '../data/prefill-decode/plan.ts';
import type { Registry } from '../fleet/registry.ts';
import type { ServedModels } from '../fleet/served-models.ts';
import type { Role } from '../fleet/worker-spec.ts';
import type { LegParts, Pool } from '../scheduler/leg.ts';
import type { Plan } from '../scheduler/plans/plan.ts';
import { RegularPlan } from '../scheduler/plans/regular.ts';
import { createPolicy } from '../scheduler/policies/index.ts';
import type { Policy } from '../scheduler/policies/policy.ts';

/** How requests are brought to workers: the plan, and who chooses among the workers of each role that it needs. */
export interface Routing {
  readonly plan: Plan;
  readonly policies: ReadonlyMap<Role, Policy>;
}

/** The routing that the options ask for; a role's own policy comes before the common one. */
export function createRouting(
  config: Config,
  { registry, models }: { readonly registry: Registry; readonly models: ServedModels },
  parts: LegParts,
): Routing {
  const policies = new Map<Role, Policy>();
  const pool = (role: Role, policy: string = config.policy): Pool => {
    const chooser = createPolicy(policy, config);
    policies.set(role, chooser);
    return {
      policy: chooser,
      targets: {
        available: (model) => (model === undefined ? registry.available(role) : models.available(role, model)),
        lastResort: (model) => (model === undefined ? registry.lastResort(role) : models.lastResort(role, model)),
      },
    };
  };
  if (!config.pdDisaggregation) return { plan: new RegularPlan(pool('regular'), parts), policies };
  const InTwo = config.pdProtocol === 'nixl' ? NixlPlan : PrefillDecodePlan;
  const plan = new InTwo(pool('prefill', config.prefillPolicy), pool('decode', config.decodePolicy), parts);
  return { plan, policies };
}
