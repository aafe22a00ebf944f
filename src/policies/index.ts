import type { Policy } from './policy.ts';
import { RandomPolicy } from './random.ts';
import { RoundRobinPolicy } from './round-robin.ts';

/** Every policy there is: name → factory. */
const POLICIES = {
  random: () => new RandomPolicy(),
  round_robin: () => new RoundRobinPolicy(),
} as const satisfies Record<string, () => Policy>;

/** Stands in for an accepted policy that this version does not have yet; the option table says so at start. */
const FALLBACK = POLICIES.round_robin;

/** The policy of that name, or the fallback. */
export function createPolicy(name: string): Policy {
  return (POLICIES[name as keyof typeof POLICIES] ?? FALLBACK)();
}
