import { AGENT_WORKLOADS } from './agents.ts';
import { MIXED } from './mixed.ts';
import { MOONCAKE } from './mooncake.ts';
import { SHARED_PREFIX_WORKLOADS } from './shared-prefix.ts';
import type { Workload } from './workload.ts';

/** Every workload, the plain ones first. */
export const WORKLOADS: readonly Workload[] = [...SHARED_PREFIX_WORKLOADS, ...AGENT_WORKLOADS, MIXED, MOONCAKE];
