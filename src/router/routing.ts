import type { Config } from '../config/options.ts';
import type { Registry } from '../fleet/registry.ts';
import type { ServedModels } from '../fleet/served-models.ts';
import type { Role } from '../fleet/worker-spec.ts';
import { createPolicy } from '../scheduler/policies/index.ts';
import type { Policy, PromptNeeds } from '../scheduler/policies/policy.ts';
import type { Pool, Pools } from '../scheduler/pools.ts';

/** The workers of each role that is needed, and who chooses among them. */
export interface Routing {
  readonly pools: Pools;
  readonly policies: ReadonlyMap<Role, Policy>;
}

/** The routing that the options ask for; a role's own policy comes before the common one. */
export function createRouting(config: Config, registry: Registry, models: ServedModels): Routing {
  const policyOf = (role: Role, policy: string = config.policy) => [role, createPolicy(policy, config)] as const;
  const policies = new Map<Role, Policy>(
    config.pdDisaggregation
      ? [policyOf('prefill', config.prefillPolicy), policyOf('decode', config.decodePolicy)]
      : [policyOf('regular')],
  );
  const poolOf = ([role, policy]: readonly [Role, Policy]): [Role, Pool] => [
    role,
    {
      policy,
      targets: {
        available: (model) => (model === undefined ? registry.available(role) : models.available(role, model)),
        lastResort: (model) => (model === undefined ? registry.lastResort(role) : models.lastResort(role, model)),
      },
    },
  ];
  return { pools: new Map([...policies].map(poolOf)), policies };
}

/** What the policies together read of prompts. */
export function needsOf(policies: Iterable<Policy>): PromptNeeds {
  const reads = new Set(Array.from(policies, (policy) => policy.reads ?? 'nothing'));
  return reads.has('hashes') ? 'hashes' : reads.has('head') ? 'head' : 'nothing';
}
