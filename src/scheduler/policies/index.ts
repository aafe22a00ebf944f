import { type BucketOptions, BucketPolicy } from './bucket.ts';
import { type CacheAwareOptions, CacheAwarePolicy } from './cache-aware.ts';
import { ConsistentHashingPolicy } from './consistent-hashing.ts';
import { LeastLoadPolicy } from './least-load.ts';
import { type ManualOptions, ManualPolicy } from './manual.ts';
import type { Policy } from './policy.ts';
import { PowerOfTwoPolicy } from './power-of-two.ts';
import { PrefixHashPolicy } from './prefix-hash.ts';
import { RandomPolicy } from './random.ts';
import { RoundRobinPolicy } from './round-robin.ts';

/** What any of the policies may want to know; the router's Config has it all. */
export type PolicyOptions = BucketOptions & CacheAwareOptions & ManualOptions;

/** Every policy there is: name → factory. */
const POLICIES: Readonly<Record<string, (options: PolicyOptions) => Policy>> = {
  random: () => new RandomPolicy(),
  round_robin: () => new RoundRobinPolicy(),
  cache_aware: (options) => new CacheAwarePolicy(options),
  power_of_two: () => new PowerOfTwoPolicy(),
  least_load: () => new LeastLoadPolicy(),
  manual: (options) => new ManualPolicy(options),
  consistent_hashing: () => new ConsistentHashingPolicy(),
  prefix_hash: () => new PrefixHashPolicy(),
  bucket: (options) => new BucketPolicy(options),
};

/** A new policy of that name; the option table admits no other names. */
export function createPolicy(name: string, options: PolicyOptions): Policy {
  const create = POLICIES[name];
  if (!create) throw new RangeError(`expected one of ${Object.keys(POLICIES).join(', ')}, got ${name}`);
  return create(options);
}
