import { type BucketOptions, BucketPolicy } from './bucket.ts';
import { type CacheAwareOptions, CacheAwarePolicy } from './cache-aware.ts';
import { ConsistentHashingPolicy } from './consistent-hashing.ts';
import { LeastLoadPolicy } from './least-load.ts';
import { type ManualOptions, ManualPolicy } from './manual.ts';
import type { Now, Policy, Random } from './policy.ts';
import { PowerOfTwoPolicy } from './power-of-two.ts';
import { PrefixHashPolicy } from './prefix-hash.ts';
import { RandomPolicy } from './random.ts';
import { RoundRobinPolicy } from './round-robin.ts';

/** The options of all policies; the router's Config has them all. */
export type PolicyOptions = BucketOptions & CacheAwareOptions & ManualOptions;

/** Randomness and time for policies; tests and models pass their own. */
interface PolicyInputs {
  readonly random: Random;
  readonly now: Now;
}

const REAL: PolicyInputs = { random: Math.random, now: () => performance.now() };

/** Policy name → factory. */
const POLICIES: Readonly<Record<string, (options: PolicyOptions, inputs: PolicyInputs) => Policy>> = {
  random: (_, { random }) => new RandomPolicy(random),
  round_robin: () => new RoundRobinPolicy(),
  cache_aware: (options, { now }) => new CacheAwarePolicy(options, now),
  power_of_two: (_, { random, now }) => new PowerOfTwoPolicy(random, now),
  least_load: (_, { now }) => new LeastLoadPolicy(now),
  manual: (options, { random, now }) => new ManualPolicy(options, random, now),
  consistent_hashing: (_, { random }) => new ConsistentHashingPolicy(random),
  prefix_hash: (_, { random }) => new PrefixHashPolicy(random),
  bucket: (options, { random, now }) => new BucketPolicy(options, random, now),
};

/** A new policy of that name; the option table admits no other names. */
export function createPolicy(name: string, options: PolicyOptions, inputs: PolicyInputs = REAL): Policy {
  const create = POLICIES[name];
  if (!create) throw new RangeError(`expected one of ${Object.keys(POLICIES).join(', ')}, got ${name}`);
  return create(options, inputs);
}
